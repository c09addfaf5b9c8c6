package io.bezoar.pool;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.code_intelligence.jazzer.junit.FuzzTest;
import io.bezoar.pool.StackDraft.Cached;
import io.bezoar.pool.StackDraft.Device;
import io.bezoar.pool.StackDraft.Linear;
import io.bezoar.pool.StackDraft.Mirror;
import io.bezoar.pool.StackDraft.Striped;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StackTextTest {
  private static final long GIB = 1L << 30;

  private static StackDraft parse(String text) throws StackSyntaxException {
    return StackText.parse("my.stack", text);
  }

  private static Device device(String path, long gib) {
    return new Device(Path.of(path), gib * GIB, null);
  }

  @Test
  void shouldReadWhatTheDocumentationShows() throws StackSyntaxException {
    assertThat(
            parse(
                """
                # comments to the end of the line; white space and newlines are free
                cache(
                  fast.img 1G,
                  mirror(/disk1/a.img 10G, "/disk 2/b.img" 10G)
                )
                """))
        .isEqualTo(
            new Cached(
                device("fast.img", 1),
                new Mirror(List.of(device("/disk1/a.img", 10), device("/disk 2/b.img", 10)))));
    assertThat(parse("stripe(64K: a.img 1G, b.img 1G)      # chunk first"))
        .isEqualTo(new Striped(65536, List.of(device("a.img", 1), device("b.img", 1))));
    assertThat(parse("linear(a.img 1G, mirror(b.img 2G, c.img 2G))"))
        .isEqualTo(
            new Linear(
                List.of(
                    device("a.img", 1),
                    new Mirror(List.of(device("b.img", 2), device("c.img", 2))))));
    assertThat(parse("a.img 1G")).isEqualTo(device("a.img", 1));
    assertThat(parse("a.img 1G none"))
        .isEqualTo(new Device(Path.of("a.img"), GIB, Redundancy.NONE));
    assertThat(parse("a.img 15+1"))
        .isEqualTo(new Device(Path.of("a.img"), StackDraft.ANY_SIZE, Redundancy.ofColumns(16)));
  }

  @Test
  void shouldTakePathsAsTheyCome() throws StackSyntaxException {
    assertThat(parse("mirror 1G")).isEqualTo(device("mirror", 1));
    assertThat(parse("a#b:c.img 1G # d")).isEqualTo(device("a#b:c.img", 1));
    assertThat(parse("\"mirror\""))
        .isEqualTo(new Device(Path.of("mirror"), StackDraft.ANY_SIZE, null));
    assertThat(parse("\"a \\\"b\\\" (c), d\\\\.img\" 1G"))
        .isEqualTo(device("a \"b\" (c), d\\.img", 1));
    assertThat(parse("stripe( 4096 :a,b)").devices()).hasSize(2);
    assertThat(parse("stripe(64K:a,b)")).isEqualTo(parse("stripe(\n64K:\na\n,\r\nb\n)\n#\n"));
  }

  @Test
  void shouldSayWhereWhatIsWrongAndHowToWriteIt() {
    refused("", 1, 1, "expected a path, mirror(, linear(, stripe( or cache(, found the end");
    refused("a.img 1G,", 1, 9, "expected the end: a file holds one stack, found ','");
    refused("mirror(a.img 1G)", 1, 1, "a mirror has 2 to 8 legs, not 1");
    refused("mirror(a,b,c,d,e,f,g,h,i)", 1, 1, "a mirror has 2 to 8 legs, not 9");
    refused("linear(a)", 1, 1, "a linear has at least 2 parts, not 1");
    refused("cache(a,\n  stripe(64K: b))", 2, 3, "a stripe has at least 2 parts, not 1");
    refused("cache(a, b, c)", 1, 1, "a cache has 2 parts, the fast one and the origin, not 3");
    refused("stripe(a, b)", 1, 8, "expected the size of a chunk and ':' first");
    refused("stripe(5000: a, b)", 1, 1, "chunks of 5000 bytes are not whole pages");
    refused("stripe(0: a, b)", 1, 8, "expected a size above 0");
    refused(
        "raid5(a, b)", 1, 1, "expected mirror, linear, stripe or cache before '(', found 'raid5'");
    refused("mirror(a 1G, b 1Q)", 1, 16, "'1Q' is not a size: write bytes, or 64K");
    refused("mirror(a 1G 2G, b)", 1, 13, "expected ',' or ')' after the device, found '2G'");
    refused("a none 1G", 1, 8, "expected ',' or ')' after the device, found '1G'");
    refused("a 1G 300+1", 1, 6, "expected none, or data and parity columns from 1+1 to 255+1");
    refused("a 1G 1+0", 1, 6, "expected none, or data and parity");
    refused("a 1G x+", 1, 6, "expected none, or data and parity");
    refused("mirror(a,\n b", 2, 3, "expected ',' or ')', found the end of the text");
    refused(
        "mirror(a,, b)", 1, 10, "expected a path, mirror(, linear(, stripe( or cache(, found ','");
    refused("# é\n\"a", 2, 1, "expected a closing quote in the same line");
    refused("\"a\\x\"", 1, 3, "expected \\\", \\\\ or \\n");
    refused("\"\" 1G", 1, 1, "expected a path, found an empty one");
    refused("a\0b 1G", 1, 1, "expected a path: ");
    refused("mirror(a 1G, ./a 1G)", 1, 14, "./a is named above already as a");
  }

  private static void refused(String text, int line, int column, String problem) {
    StackSyntaxException e = catchThrowableOfType(StackSyntaxException.class, () -> parse(text));
    assertThat(e).as(text).isNotNull();
    assertThat(e.problem()).as(text).contains(problem);
    assertThat(List.of(e.line(), e.column())).as(text).containsExactly(line, column);
    assertThat(e)
        .hasMessageStartingWith("my.stack: line %d, column %d: ".formatted(line, column))
        .hasMessageEndingWith("; for example: " + e.example());
    assertThat(e.getFile()).isEqualTo("my.stack");
  }

  @Test
  void shouldKnowAFileByAllItsNames(@TempDir Path folder) throws IOException {
    Path file = Files.createFile(folder.resolve("a.img"));
    Path link = Files.createSymbolicLink(folder.resolve("link.img"), file);
    Path folderLink = Files.createSymbolicLink(folder.resolve("here"), folder);
    refused(
        "mirror(%s, %s)".formatted(file, link), 1, 10 + file.toString().length(), "above already");
    // Also one that is still to be made.
    Path isNew = folder.resolve("new.img");
    Path sameNew = folderLink.resolve("new.img");
    refused("mirror(%s, %s)".formatted(isNew, sameNew), 1, 10 + isNew.toString().length(), "above");
    StackDraft drafted =
        new Mirror(List.of(new Device(isNew, GIB, null), new Device(sameNew, GIB, null)));
    assertThat(drafted.repeated()).contains(sameNew);
  }

  @Test
  void shouldAllowAsManyLevelsAsAStackHas() throws StackSyntaxException {
    String deep = nested(Stack.MAX_DEPTH - 1, "mirror(x, y)");
    assertThat(parse(deep).devices()).hasSize(Stack.MAX_DEPTH + 1);
    assertThat(parse(nested(Stack.MAX_DEPTH - 1, "x"))).isNotNull();
    refused(nested(Stack.MAX_DEPTH, "mirror(x, y)"), 1, 1 + 7 * Stack.MAX_DEPTH, "8 levels");
    refused(nested(Stack.MAX_DEPTH, "x"), 1, 1 + 7 * Stack.MAX_DEPTH, "8 levels");
    refused(nested(100_000, "x"), 1, 1 + 7 * Stack.MAX_DEPTH, "8 levels");
  }

  private static String nested(int levels, String inside) {
    StringBuilder text = new StringBuilder("linear(".repeat(levels)).append(inside);
    for (int level = 0; level < levels; level++) {
      text.append(", d").append(level).append(')');
    }
    return text.toString();
  }

  @Test
  void shouldReadWhatItWrites() throws StackSyntaxException {
    for (long seed = 1; seed <= 500; seed++) {
      StackDraft draft = new Maker(new SplittableRandom(seed)).draft(4);
      String text = StackText.format(draft);
      assertThat(parse(text)).as("seed %d: %s", seed, text).isEqualTo(draft);
    }
  }

  @Test
  void shouldWriteLongStacksOnSeveralLines() throws StackSyntaxException {
    String text =
        """
        cache(
          /very/long/folder/name/of/the/fast/device/fast.img 1G none,
          stripe(64K:
            mirror(/very/long/folder/name/a.img 10G, "/very long/folder/name/b.img" 10G),
            /very/long/folder/name/c.img 1025K
          )
        )""";
    assertThat(StackText.format(parse(text))).isEqualTo(text);
  }

  @Test
  void shouldTellTheStackOfAPool() throws StackSyntaxException {
    for (long seed = 1; seed <= 300; seed++) {
      PoolConfig config = Configs.random(new SplittableRandom(seed));
      StackDraft draft = StackDraft.of(config);
      assertThat(draft.devices())
          .as("seed " + seed)
          .extracting(device -> device.path().toString())
          .containsExactlyElementsOf(
              config.stack().devices().stream()
                  .map(number -> Path.of(config.device(number).path()).toString())
                  .toList());
      assertThat(parse(StackText.format(draft))).as("seed " + seed).isEqualTo(draft);
    }
  }

  @FuzzTest
  void shouldAnswerToAnyText(byte[] bytes) {
    try {
      StackDraft draft = parse(new String(bytes, StandardCharsets.UTF_8));
      assertThat(parse(StackText.format(draft))).isEqualTo(draft);
    } catch (StackSyntaxException expected) {
      assertThat(expected.line()).isPositive();
      assertThat(expected.column()).isPositive();
    }
  }

  @Test
  void shouldAnswerToChangedText() {
    String text = "cache(f 1G none, stripe(64K: \"b c\" 2M, mirror(d 1+1, e)))#x";
    String alphabet = "(),:\"\\# \n+K1am";
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < 5000; i++) {
      StringBuilder changed = new StringBuilder(text);
      for (int change = random.nextInt(4); change >= 0; change--) {
        int at = random.nextInt(changed.length());
        changed.setCharAt(at, alphabet.charAt(random.nextInt(alphabet.length())));
      }
      shouldAnswerToAnyText(changed.toString().getBytes(StandardCharsets.UTF_8));
    }
  }

  private static final class Maker {
    private final SplittableRandom random;
    private int next;

    Maker(SplittableRandom random) {
      this.random = random;
    }

    StackDraft draft(int levels) {
      return switch (levels == 1 ? 0 : random.nextInt(6)) {
        case 1 -> new Mirror(several(levels));
        case 2 -> new Linear(several(levels));
        case 3 -> new Striped(4096L * (1 + random.nextInt(100)), several(levels));
        case 4 -> new Cached(draft(levels - 1), draft(levels - 1));
        default -> device();
      };
    }

    private List<StackDraft> several(int levels) {
      List<StackDraft> drafts = new ArrayList<>();
      for (int i = random.nextInt(3); i >= -1; i--) {
        drafts.add(draft(levels - 1));
      }
      return drafts;
    }

    private Device device() {
      String odd = " (),:\"\\#\n+é";
      StringBuilder name = new StringBuilder();
      for (int i = random.nextInt(4); i > 0; i--) {
        name.append(odd.charAt(random.nextInt(odd.length())));
      }
      long sizeBytes =
          switch (random.nextInt(3)) {
            case 0 -> StackDraft.ANY_SIZE;
            case 1 -> 1 + random.nextLong(1L << 50);
            default -> 1L << random.nextInt(62);
          };
      Redundancy redundancy =
          switch (random.nextInt(3)) {
            case 0 -> null;
            case 1 -> Redundancy.NONE;
            default -> Redundancy.ofColumns(2 + random.nextInt(255));
          };
      return new Device(Path.of(name + "d" + next++), sizeBytes, redundancy);
    }
  }
}
