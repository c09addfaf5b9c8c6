package io.bezoar.nio;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystemNotFoundException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.nio.file.PathMatcher;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Paths in a pool are as those of the default provider: thousands of both are compared. */
class PoolPathTest {
  private static final FileSystem DEFAULT = FileSystems.getDefault();
  private static final long SEED = Long.getLong("bezoar.seed", System.nanoTime());
  private static final int ROUNDS = 20_000;
  private static final String REPLAY =
      "replay: mvn -pl core -am test -Dtest=PoolPathTest -Dbezoar.seed=" + SEED;

  private final PoolRig rig;
  private final FileSystem pool;
  private final Random random = new Random(SEED);

  PoolPathTest() throws IOException {
    rig = PoolRig.create(8);
    pool = rig.fs;
  }

  @AfterEach
  void close() throws IOException {
    rig.close();
  }

  private String randomText() {
    String[] parts = {
      "a", "b", "ab", ".", "..", "/", "/", "/", "//", "ä", "a b", "...", ".a", "\\"
    };
    StringBuilder text = new StringBuilder();
    int count = random.nextInt(8);
    for (int i = 0; i < count; i++) {
      text.append(parts[random.nextInt(parts.length)]);
      if (random.nextBoolean()) {
        text.append('/');
      }
    }
    return text.toString();
  }

  /** What comes of something: a text, or the kind of exception. */
  private static String outcome(java.util.concurrent.Callable<@Nullable Object> code) {
    try {
      return String.valueOf(code.call());
    } catch (Exception e) {
      return e.getClass().getSimpleName();
    }
  }

  private void compare(Function<Path, @Nullable Object> what) {
    for (int i = 0; i < ROUNDS / 10; i++) {
      String text = randomText();
      assertThat(outcome(() -> what.apply(pool.getPath(text))))
          .as("\"%s\"; %s", text, REPLAY)
          .isEqualTo(outcome(() -> what.apply(DEFAULT.getPath(text))));
    }
  }

  private void compare(BiFunction<Path, Path, @Nullable Object> what) {
    for (int i = 0; i < ROUNDS; i++) {
      String one = randomText();
      String two = random.nextInt(4) == 0 ? one + randomText() : randomText();
      assertThat(outcome(() -> what.apply(pool.getPath(one), pool.getPath(two))))
          .as("\"%s\" and \"%s\"; %s", one, two, REPLAY)
          .isEqualTo(outcome(() -> what.apply(DEFAULT.getPath(one), DEFAULT.getPath(two))));
    }
  }

  @Test
  void shouldTakePathsApartAsTheDefaultProviderDoes() {
    compare(Path::toString);
    compare(Path::isAbsolute);
    compare(Path::getRoot);
    compare(Path::getFileName);
    compare(Path::getParent);
    compare(Path::getNameCount);
    compare(
        path -> {
          List<String> names = new ArrayList<>();
          path.forEach(name -> names.add(name.toString()));
          return names;
        });
    compare(path -> path.getName(random.nextInt(1)));
    compare(path -> path.subpath(0, Math.max(1, path.getNameCount() - 1)));
    compare(path -> path.subpath(1, path.getNameCount()));
    compare(path -> path.getName(-1));
    compare(path -> path.getName(path.getNameCount()));
  }

  @Test
  void shouldNormalizeAsTheDefaultProviderDoes() {
    compare(Path::normalize);
  }

  @Test
  void shouldPutPathsTogetherAsTheDefaultProviderDoes() {
    compare((one, two) -> one.resolve(two));
    compare((one, two) -> one.resolve(two.toString()));
    compare((one, two) -> one.resolveSibling(two));
    compare((one, two) -> one.getFileSystem().getPath(one.toString(), "", two.toString(), "x"));
  }

  @Test
  void shouldRelativizeAsTheDefaultProviderDoes() {
    compare((one, two) -> one.relativize(two));
  }

  @Test
  void shouldCompareAsTheDefaultProviderDoes() {
    compare((one, two) -> one.startsWith(two));
    compare((one, two) -> one.endsWith(two));
    compare((one, two) -> one.startsWith(two.toString()));
    compare((one, two) -> one.equals(two));
    compare((one, two) -> one.equals(two) == (one.hashCode() == two.hashCode()));
    compare((one, two) -> Integer.signum(one.compareTo(two)));
  }

  @Test
  void shouldBeginAtTheRoot() {
    assertThat(pool.getPath("a/b").toAbsolutePath()).hasToString("/a/b");
    assertThat(pool.getPath("").toAbsolutePath()).hasToString("/");
    assertThat(pool.getRootDirectories()).containsExactly(pool.getPath("/"));
    assertThat(pool.getSeparator()).isEqualTo("/");
  }

  @Test
  void shouldSortPathsOfMoreThanOnePool() throws IOException {
    try (PoolRig other = PoolRig.create(8)) {
      assertThat(new TreeSet<>(List.of(rig.root(), other.root()))).hasSize(2);
      assertThat(rig.root()).isNotEqualTo(other.root());
      assertThat(rig.root().startsWith(other.root())).isFalse();
      assertThatIllegalArgumentException().isThrownBy(() -> rig.root().relativize(other.root()));
    }
    assertThatExceptionOfType(ClassCastException.class)
        .isThrownBy(() -> rig.root().compareTo(Path.of("/")));
  }

  @Test
  void shouldRefuseWhatIsNoPath() {
    assertThatExceptionOfType(InvalidPathException.class).isThrownBy(() -> pool.getPath("a\0b"));
    assertThatExceptionOfType(InvalidPathException.class).isThrownBy(() -> pool.getPath("\uD800"));
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> pool.getPath("a").toFile());
  }

  @Test
  void shouldHaveOneTextForOnePath() {
    assertThat(pool.getPath("\uDCC3\uDCA4")).isEqualTo(pool.getPath("ä"));
    assertThat(pool.getPath("\uDCFF").toString()).isEqualTo("\uDCFF");
  }

  // URIs.

  @Test
  void shouldComeBackFromUris() {
    for (int i = 0; i < 2000; i++) {
      Path path = pool.getPath(randomText() + (i % 5 == 0 ? "!\uDCFE%?#😀" : "")).toAbsolutePath();
      URI uri = path.toUri();
      assertThat(Path.of(uri)).as("%s; %s", uri, REPLAY).isEqualTo(path);
      assertThat(FileSystems.getFileSystem(uri)).isSameAs(pool);
      URI shorter = URI.create(uri.toString().replace("!:", "!"));
      assertThat(Path.of(shorter)).as("%s; %s", shorter, REPLAY).isEqualTo(path);
    }
    assertThat(pool.getPath("/a b!ä").toUri().toString()).endsWith("!:/a%20b%21%C3%A4");
    assertThat(pool.getPath("/").toUri().toString())
        .endsWith("!:/")
        .startsWith("bezoar:/sim/pool-");
  }

  @Test
  void shouldRefuseOtherUris() {
    for (String uri :
        List.of(
            "bezoar:data.pool!/a",
            "bezoar://host/data.pool!/a",
            "bezoar:/data.pool!/a?b",
            "bezoar:/data.pool!/a#b",
            "bezoar:/data.pool!a",
            "bezoar:/data.pool!",
            "bezoar:/data.pool!:",
            "bezoar:/data.pool!:a",
            "bezoar:/data.pool!/%00",
            "bezoar:/data.pool")) {
      assertThatIllegalArgumentException().isThrownBy(() -> Path.of(URI.create(uri)));
    }
    assertThatExceptionOfType(FileSystemNotFoundException.class)
        .isThrownBy(() -> Path.of(URI.create("bezoar:/no/such.pool!/a")));
    assertThatExceptionOfType(FileSystemNotFoundException.class)
        .isThrownBy(() -> FileSystems.getFileSystem(URI.create("bezoar:/no/such.pool")));
  }

  // Patterns.

  @Test
  void shouldMatchGlobsAsTheDefaultProviderDoes() {
    String[] parts = {
      "*", "**", "?", "a", "b", "/", "[ab]", "[!a]", "[a-c]", "[-a]", "[a-]", "[^a]", "[&&a]",
      "[*?\\]", "{a,b}", "{a*,?b}", "\\*", "\\a", ".", "+", "(", ")", "|", "$", "^", ",", "}", "ä",
      "[", "{", "\\", "[b-a]", "{{a}}", "[a/b]"
    };
    for (int i = 0; i < ROUNDS; i++) {
      StringBuilder glob = new StringBuilder("glob:");
      int count = random.nextInt(5);
      for (int n = 0; n < count; n++) {
        glob.append(parts[random.nextInt(parts.length)]);
      }
      String pattern = glob.toString();
      PathMatcher ours = matcher(pool, pattern);
      PathMatcher theirs = matcher(DEFAULT, pattern);
      assertThat(ours == null).as("%s; %s", pattern, REPLAY).isEqualTo(theirs == null);
      for (int n = 0; ours != null && theirs != null && n < 10; n++) {
        String text = randomGlobText();
        assertThat(ours.matches(pool.getPath(text)))
            .as("%s and \"%s\"; %s", pattern, text, REPLAY)
            .isEqualTo(theirs.matches(DEFAULT.getPath(text)));
      }
    }
  }

  private String randomGlobText() {
    String letters = "aabbcd//.*?[]^-&\\+()|$,{}ä!";
    StringBuilder text = new StringBuilder();
    int count = random.nextInt(5);
    for (int i = 0; i < count; i++) {
      text.append(letters.charAt(random.nextInt(letters.length())));
    }
    return text.toString();
  }

  private static @Nullable PathMatcher matcher(FileSystem fs, String pattern) {
    try {
      return fs.getPathMatcher(pattern);
    } catch (PatternSyntaxException e) {
      return null;
    }
  }

  @Test
  void shouldKnowGlobsAndRegularExpressions() {
    assertThat(pool.getPathMatcher("regex:a+").matches(pool.getPath("aaa"))).isTrue();
    assertThat(pool.getPathMatcher("GLOB:*.java").matches(pool.getPath("a.java"))).isTrue();
    assertThat(pool.getPathMatcher("glob:*").matches(pool.getPath("a\nb"))).isTrue();
    assertThatIllegalArgumentException().isThrownBy(() -> pool.getPathMatcher("a*"));
    assertThatIllegalArgumentException().isThrownBy(() -> pool.getPathMatcher(":a"));
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> pool.getPathMatcher("grep:a"));
    assertThatExceptionOfType(PatternSyntaxException.class)
        .isThrownBy(() -> pool.getPathMatcher("regex:("));
  }

  @Test
  void shouldKeepTheBytesOfNames() throws IOException {
    byte[] bytes = {(byte) 0xff, 'a', (byte) 0xc3};
    rig.files.create(
        io.bezoar.fs.FileId.ROOT,
        io.bezoar.fs.FileName.of(bytes),
        io.bezoar.fs.FileType.REGULAR,
        io.bezoar.fs.NewFile.standard(io.bezoar.fs.FileType.REGULAR));
    Path path = rig.root().resolve(ProviderContract.list(rig.root()).getFirst());
    assertThat(Files.exists(path)).isTrue();
    assertThat(path.toUri().toString()).endsWith("!:/%FFa%C3");
    Files.writeString(Path.of(path.toUri()), "x", StandardCharsets.UTF_8);
    Files.delete(path);
  }
}
