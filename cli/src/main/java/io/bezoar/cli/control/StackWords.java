package io.bezoar.cli.control;

import io.bezoar.pool.DeviceEntry;
import io.bezoar.pool.StackStatus;
import java.nio.file.Path;
import java.util.List;

/** What a pool is made of, in words, for one line. */
public final class StackWords {
  private StackWords() {}

  /** As in "a write cache fast.img before a mirror of a.img and b.img". */
  public static String of(StackStatus stack) {
    return switch (stack) {
      case StackStatus.Device device -> name(device.entry());
      case StackStatus.Mirror mirror ->
          mirror.children().size() == 1
              ? of(mirror.children().getFirst())
              : "a mirror of " + list(mirror.children());
      case StackStatus.Linear linear -> "a linear of " + list(linear.children());
      case StackStatus.Striped striped ->
          "a stripe of " + list(striped.children()) + " in chunks of " + size(striped.chunkBytes());
      case StackStatus.Cached cached ->
          "a write cache "
              + part(cached.children().getFirst())
              + " before "
              + of(cached.children().getLast());
    };
  }

  private static String list(List<StackStatus> parts) {
    List<String> words = parts.stream().map(StackWords::part).toList();
    int last = words.size() - 1;
    return last == 0
        ? words.getFirst()
        : String.join(", ", words.subList(0, last)) + " and " + words.get(last);
  }

  /** In brackets, where a list in a list could be misunderstood. */
  private static String part(StackStatus node) {
    String words = of(node);
    return isOneDevice(node) ? words : "(" + words + ")";
  }

  /** True for a device that stands alone: it is a mirror of one leg, to which another may come. */
  static boolean isOneDevice(StackStatus node) {
    return switch (node) {
      case StackStatus.Device _ -> true;
      case StackStatus.Mirror mirror ->
          mirror.children().size() == 1 && isOneDevice(mirror.children().getFirst());
      case StackStatus.Linear _, StackStatus.Striped _, StackStatus.Cached _ -> false;
    };
  }

  private static String size(long bytes) {
    return bytes % 1024 == 0 ? bytes / 1024 + " KiB" : bytes + " B";
  }

  /** What people call a device: its file's name; its number where none was noted. */
  public static String name(DeviceEntry entry) {
    Path file = Path.of(entry.path()).getFileName();
    return file == null || file.toString().isEmpty() ? "device " + entry.number() : file.toString();
  }
}
