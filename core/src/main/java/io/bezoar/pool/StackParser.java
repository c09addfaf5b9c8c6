package io.bezoar.pool;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Reads one stack, top down. See {@link StackText}. */
final class StackParser {
  private static final String ANY_EXAMPLE = "mirror(a.img 1G, b.img 1G)";
  private static final String DEVICE_EXAMPLE = "a.img 1G none";
  private static final String STRIPE_EXAMPLE = "stripe(64K: a.img 1G, b.img 1G)";

  private final StackScanner in;
  private final Map<Path, String> named = new HashMap<>();

  StackParser(StackScanner in) {
    this.in = in;
  }

  StackDraft parse() throws StackSyntaxException {
    StackDraft draft = stack(1, 1);
    if (!in.atEnd()) {
      throw expected("the end: a file holds one stack", ANY_EXAMPLE);
    }
    return draft;
  }

  /**
   * Reads a stack.
   *
   * @param level that it has if it is made of others
   * @param deviceLevel that it has if it is a device; one less in a mirror, which is one anyway
   */
  private StackDraft stack(int level, int deviceLevel) throws StackSyntaxException {
    int place = in.place();
    if (!in.startsWithWord()) {
      throw expected("a path, mirror(, linear(, stripe( or cache(", ANY_EXAMPLE);
    }
    boolean isQuoted = in.startsWith('"');
    String word = in.wordOrQuoted();
    boolean isLayer = !isQuoted && in.startsWith('(');
    if ((isLayer ? level : deviceLevel) > Stack.MAX_DEPTH) {
      throw in.problem(
          place, "expected no more than " + Stack.MAX_DEPTH + " levels of layers", ANY_EXAMPLE);
    }
    return isLayer ? layer(word, level, place) : device(word, place);
  }

  private StackDraft layer(String word, int level, int place) throws StackSyntaxException {
    in.take('(');
    try {
      return switch (word) {
        case "mirror" -> new StackDraft.Mirror(list(level + 1, level));
        case "linear" -> new StackDraft.Linear(list(level + 1, level + 1));
        case "stripe" -> {
          long chunkBytes = chunk();
          yield new StackDraft.Striped(chunkBytes, list(level + 1, level + 1));
        }
        case "cache" -> {
          List<StackDraft> two = list(level + 1, level + 1);
          if (two.size() != 2) {
            throw new IllegalArgumentException(
                "a cache has 2 parts, the fast one and the origin, not " + two.size());
          }
          yield new StackDraft.Cached(two.get(0), two.get(1));
        }
        default ->
            throw in.problem(
                place,
                "expected mirror, linear, stripe or cache before '(', found '" + word + "'",
                ANY_EXAMPLE);
      };
    } catch (IllegalArgumentException wrong) {
      throw in.problem(place, String.valueOf(wrong.getMessage()), example(word));
    }
  }

  private static String example(String word) {
    return switch (word) {
      case "linear" -> "linear(a.img 1G, b.img 2G)";
      case "stripe" -> STRIPE_EXAMPLE;
      case "cache" -> "cache(fast.img 1G, slow.img 100G)";
      default -> ANY_EXAMPLE;
    };
  }

  private List<StackDraft> list(int level, int deviceLevel) throws StackSyntaxException {
    List<StackDraft> stacks = new ArrayList<>();
    do {
      stacks.add(stack(level, deviceLevel));
    } while (in.take(','));
    if (!in.take(')')) {
      throw expected("',' or ')'", ANY_EXAMPLE);
    }
    return stacks;
  }

  private long chunk() throws StackSyntaxException {
    int place = in.place();
    String word = in.word(':');
    if (!in.take(':')) {
      throw in.problem(place, "expected the size of a chunk and ':' first", STRIPE_EXAMPLE);
    }
    return size(word, place);
  }

  private StackDraft device(String path, int place) throws StackSyntaxException {
    Path file = path(path, place);
    long sizeBytes = StackDraft.ANY_SIZE;
    Redundancy redundancy = null;
    while (in.startsWithWord()) {
      int wordPlace = in.place();
      String word = in.word();
      boolean isRedundancy = word.equals("none") || word.indexOf('+') >= 0;
      if (isRedundancy && redundancy == null) {
        redundancy = redundancy(word, wordPlace);
      } else if (!isRedundancy && redundancy == null && sizeBytes == StackDraft.ANY_SIZE) {
        sizeBytes = size(word, wordPlace);
      } else {
        throw in.problem(
            wordPlace, "expected ',' or ')' after the device, found '" + word + "'", ANY_EXAMPLE);
      }
    }
    return new StackDraft.Device(file, sizeBytes, redundancy);
  }

  private Path path(String text, int place) throws StackSyntaxException {
    Path path;
    try {
      path = Path.of(text);
    } catch (InvalidPathException e) {
      throw in.problem(place, "expected a path: " + e.getMessage(), DEVICE_EXAMPLE);
    }
    if (text.isEmpty()) {
      throw in.problem(place, "expected a path, found an empty one", DEVICE_EXAMPLE);
    }
    @Nullable String before = named.put(StackDraft.real(path), text);
    if (before != null) {
      String as = before.equals(text) ? "" : " as " + before;
      throw in.problem(
          place, "expected another file, " + text + " is named above already" + as, ANY_EXAMPLE);
    }
    return path;
  }

  private long size(String word, int place) throws StackSyntaxException {
    try {
      long sizeBytes = SizeText.parse(word);
      if (sizeBytes > 0) {
        return sizeBytes;
      }
    } catch (IllegalArgumentException e) {
      throw in.problem(
          place,
          "expected a size: %s (a path with white space stands in quotes)"
              .formatted(e.getMessage()),
          DEVICE_EXAMPLE);
    }
    throw in.problem(place, "expected a size above 0, found '" + word + "'", DEVICE_EXAMPLE);
  }

  private Redundancy redundancy(String word, int place) throws StackSyntaxException {
    if (word.equals("none")) {
      return Redundancy.NONE;
    }
    try {
      int plus = word.indexOf('+');
      Redundancy redundancy =
          new Redundancy(
              Integer.parseInt(word.substring(0, plus)),
              Integer.parseInt(word.substring(plus + 1)));
      if (redundancy.isProtected()) {
        return redundancy;
      }
    } catch (IllegalArgumentException e) {
      throw in.problem(place, noRedundancy(word), "a.img 1G 31+1");
    }
    throw in.problem(place, noRedundancy(word), "a.img 1G 31+1");
  }

  private static String noRedundancy(String word) {
    return "expected none, or data and parity columns from 1+1 to %d+1, found '%s'"
        .formatted(Redundancy.MAX_COLUMNS - 1, word);
  }

  private StackSyntaxException expected(String what, String example) {
    return in.problem(in.place(), "expected " + what + ", found " + in.found(), example);
  }
}
