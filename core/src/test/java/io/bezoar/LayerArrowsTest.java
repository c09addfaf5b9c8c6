package io.bezoar;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Media;
import java.lang.foreign.Arena;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import org.junit.jupiter.api.Test;

/** Data goes down, failures come up, and nobody knows who is above. */
class LayerArrowsTest {
  private static final JavaClasses CORE =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("io.bezoar");

  @Test
  void shouldOnlyKnowWhatIsBelow() {
    layeredArchitecture()
        .consideringOnlyDependenciesInLayers()
        .withOptionalLayers(true)
        .layer("media")
        .definedBy("io.bezoar.media..")
        .layer("dax")
        .definedBy("io.bezoar.dax..")
        .layer("target")
        .definedBy("io.bezoar.target..")
        .layer("tree")
        .definedBy("io.bezoar.tree..")
        .layer("fs")
        .definedBy("io.bezoar.fs..")
        .layer("health")
        .definedBy("io.bezoar.health..")
        .layer("pool")
        .definedBy("io.bezoar.pool..")
        .layer("nio")
        .definedBy("io.bezoar.nio..")
        .whereLayer("dax")
        .mayOnlyBeAccessedByLayers("target", "tree", "fs", "health", "pool")
        .whereLayer("tree")
        .mayOnlyBeAccessedByLayers("fs", "pool")
        .whereLayer("fs")
        .mayOnlyBeAccessedByLayers("health", "pool", "nio")
        .whereLayer("target")
        .mayOnlyBeAccessedByLayers("health", "pool")
        .whereLayer("health")
        .mayOnlyBeAccessedByLayers("pool")
        .whereLayer("pool")
        .mayOnlyBeAccessedByLayers("nio")
        .whereLayer("nio")
        .mayNotBeAccessedByAnyLayer()
        .check(CORE);
  }

  @Test
  void shouldTouchMappedMemoryInMediaOnly() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.bezoar.media..")
        .should()
        .callMethod(
            FileChannel.class,
            "map",
            FileChannel.MapMode.class,
            long.class,
            long.class,
            Arena.class)
        .orShould()
        .callMethod(FileChannel.class, "map", FileChannel.MapMode.class, long.class, long.class)
        .check(CORE);
    // A channel has a method that returns one.
    noClasses()
        .that()
        .resideOutsideOfPackages("io.bezoar.media..", "io.bezoar.nio..")
        .should()
        .dependOnClassesThat()
        .areAssignableTo(MappedByteBuffer.class)
        .check(CORE);
  }

  @Test
  void shouldMakeSystemCallsInMediaOnly() {
    noClasses()
        .that()
        .resideOutsideOfPackage("io.bezoar.media..")
        .should()
        .dependOnClassesThat()
        .areAssignableTo(Linker.class)
        .orShould()
        .dependOnClassesThat()
        .areAssignableTo(SymbolLookup.class)
        .orShould()
        .callMethod(MemorySegment.class, "reinterpret", long.class)
        .orShould()
        .callMethod(MemorySegment.class, "ofAddress", long.class)
        .check(CORE);
  }

  @Test
  void shouldTakeWindowsOfMediaInDevicesOnly() {
    noClasses()
        .that()
        .resideOutsideOfPackages("io.bezoar.media..", "io.bezoar.dax..")
        .should()
        .callMethod(Media.class, "window", ByteRange.class)
        .check(CORE);
  }
}
