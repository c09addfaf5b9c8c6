package io.bezoar.guard;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.nio.MappedByteBuffer;
import org.junit.jupiter.api.Test;

/** Guard stands on media alone, and leaves mapped memory to it. */
class GuardArrowsTest {
  private static final JavaClasses GUARD =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("io.bezoar.guard");

  @Test
  void shouldNeedNothingButMediaAndTheJdk() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .resideOutsideOfPackages(
            "io.bezoar.guard..", "io.bezoar.media", "java..", "jdk.jfr..", "org.jspecify..")
        .check(GUARD);
  }

  @Test
  void shouldLeaveMappingAndSystemCallsToMedia() {
    noClasses()
        .should()
        .dependOnClassesThat()
        .areAssignableTo(MappedByteBuffer.class)
        .orShould()
        .dependOnClassesThat()
        .areAssignableTo(Linker.class)
        .orShould()
        .dependOnClassesThat()
        .areAssignableTo(SymbolLookup.class)
        .check(GUARD);
  }
}
