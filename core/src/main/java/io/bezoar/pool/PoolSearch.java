package io.bezoar.pool;

import io.bezoar.media.MediaOpenException;
import io.bezoar.media.MediaOpenException.Reason;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Finds and opens the devices of a pool from any one of them, wherever they lie now.
 *
 * <p><b>Invariant.</b> A device is taken for what its own label says (pool, number, uuid), never
 * for where it lies. Of configs that differ the one with the greatest generation counts; a device
 * that it does not list is not the pool's any more. Nothing is written.
 *
 * <p><b>Protocol.</b> A device is looked for where it was last, beside the one that was opened and
 * in the folders that the user names: first by its file name, then by the labels of all files
 * there.
 */
final class PoolSearch {
  private final Path path;
  private final PoolOptions options;
  private final MediaSource source;
  private final PoolTools tools;
  private final Map<Integer, Member> members = new TreeMap<>();
  private final Map<Integer, String> whyMissing = new TreeMap<>();
  private final Map<UUID, Path> inFolders = new HashMap<>();
  private final Map<UUID, Path> twins = new HashMap<>();
  private boolean foldersRead;

  /**
   * What was found.
   *
   * @param newest the label that is right
   * @param members the devices that are there, open, by number
   * @param missing why each of the others is not, by number
   */
  record Found(PoolLabel newest, Map<Integer, Member> members, Map<Integer, String> missing) {}

  private PoolSearch(Path path, PoolOptions options, MediaSource source, PoolTools tools) {
    this.path = path;
    this.options = options;
    this.source = source;
    this.tools = tools;
  }

  /**
   * Opens every device that can be found.
   *
   * @throws MediaOpenException when the one at {@code path} cannot be opened or is the pool's no
   *     more, when another one is there but cannot be opened (locked, cut, two of the same), or
   *     when missing ones leave part of the volume without a device and the options do not allow
   *     that
   */
  static Found open(Path path, PoolOptions options, MediaSource source, PoolTools tools)
      throws IOException {
    PoolSearch search = new PoolSearch(path, options, source, tools);
    try {
      return search.run();
    } catch (IOException | RuntimeException | Error failed) {
      search.undo(failed);
      throw failed;
    }
  }

  private Found run() throws IOException {
    Member first = openMember(path);
    members.put(first.number(), first);
    PoolLabel newest = first.found().label();
    int opened = first.number();
    for (int found = 0; found < members.size(); ) {
      found = members.size();
      for (DeviceEntry entry : newest.config().devices()) {
        if (!members.containsKey(entry.number())) {
          find(newest, entry).ifPresent(member -> members.put(entry.number(), member));
        }
      }
      for (Member member : members.values()) {
        if (member.found().label().generation() > newest.generation()) {
          newest = member.found().label();
        }
      }
    }
    closeStrangers(newest, opened);
    refuseTwin(newest, first);
    setOldCopiesAside(newest);
    Map<Integer, String> missing = new TreeMap<>();
    for (DeviceEntry entry : newest.config().devices()) {
      if (!members.containsKey(entry.number())) {
        missing.put(entry.number(), whyMissing.getOrDefault(entry.number(), "it is not there"));
      }
    }
    refuseHoles(newest.config(), missing);
    return new Found(newest, members, missing);
  }

  private Member openMember(Path at) throws IOException {
    return Member.open(at, source.open(at, options.choice(), options.intent()), tools);
  }

  private Optional<Member> find(PoolLabel pool, DeviceEntry entry) throws IOException {
    Path there = null;
    for (Path candidate : candidates(entry)) {
      if (isAt(pool, entry, candidate)) {
        Path real = source.absolute(candidate);
        if (there != null && !there.equals(real)) {
          throw twice(entry, there, real);
        }
        there = real;
      }
    }
    if (there == null) {
      there = labelledSo(entry);
    }
    return there == null ? Optional.empty() : Optional.of(openMember(there));
  }

  /** Where the device may lie, by its name. */
  private Set<Path> candidates(DeviceEntry entry) {
    Path last = Path.of(entry.path());
    Set<Path> candidates = new LinkedHashSet<>();
    candidates.add(last);
    for (Path folder : folders()) {
      candidates.add(folder.resolve(last.getFileName()));
    }
    return candidates;
  }

  private List<Path> folders() {
    List<Path> folders = new ArrayList<>();
    Path parent = source.absolute(path).getParent();
    if (parent != null) {
      folders.add(parent);
    }
    folders.addAll(options.searchIn());
    return folders;
  }

  private boolean isAt(PoolLabel pool, DeviceEntry entry, Path candidate) {
    return switch (source.peek(candidate)) {
      case LabelStore.Peek.Label(PoolLabel label) -> {
        boolean same = label.uuid().equals(pool.uuid()) && label.deviceUuid().equals(entry.uuid());
        if (!same) {
          whyMissing.put(
              entry.number(),
              label.uuid().equals(pool.uuid())
                  ? candidate + " is device " + label.deviceNumber() + " of this pool"
                  : candidate + " belongs to another pool (" + label.uuid() + ")");
        }
        yield same;
      }
      case LabelStore.Peek.NoLabel _ -> {
        whyMissing.put(entry.number(), "what is at " + candidate + " has no label");
        yield false;
      }
      case LabelStore.Peek.Damaged(String why) -> {
        whyMissing.put(entry.number(), "the label at " + candidate + " is damaged: " + why);
        yield false;
      }
      case LabelStore.Peek.Newer(int version) -> {
        whyMissing.put(entry.number(), candidate + " has format version " + version);
        yield false;
      }
      case LabelStore.Peek.Unreadable(IOException why) -> {
        whyMissing.putIfAbsent(entry.number(), unreadable(candidate, why));
        yield false;
      }
    };
  }

  private static String unreadable(Path candidate, IOException why) {
    if (why instanceof MediaOpenException open && open.openReason() == Reason.MISSING) {
      return "there is no " + candidate;
    }
    String reason = why instanceof FileSystemException file ? file.getReason() : null;
    return candidate + " cannot be read: " + (reason == null ? why : reason);
  }

  /** Where a file of another name is labelled as this device; null when there is none. */
  private @Nullable Path labelledSo(DeviceEntry entry) throws MediaOpenException {
    if (!foldersRead) {
      foldersRead = true;
      for (Path folder : folders()) {
        for (Path file : source.list(folder)) {
          if (source.peek(file) instanceof LabelStore.Peek.Label(PoolLabel label)) {
            Path known = inFolders.putIfAbsent(label.deviceUuid(), file);
            if (known != null && !source.absolute(known).equals(source.absolute(file))) {
              twins.put(label.deviceUuid(), file);
            }
          }
        }
      }
    }
    Path one = inFolders.get(entry.uuid());
    Path twin = twins.get(entry.uuid());
    if (one != null && twin != null) {
      throw twice(entry, one, twin);
    }
    return one;
  }

  /**
   * Devices that are known to have taken labels that they do not have. A mirror sees for itself
   * that a leg is old, and brings it up to date; where nothing else holds the bytes, they are not
   * used.
   */
  private void setOldCopiesAside(PoolLabel newest) throws IOException {
    for (Member member : List.copyOf(members.values())) {
      int number = member.number();
      boolean old =
          (newest.takenBy() & PoolLabel.bitOf(number)) != 0
              && member.generation() < newest.generation() - 1;
      boolean alone =
          newest
              .config()
              .stack()
              .mirrorOf(number)
              .filter(mirror -> mirror.legs().size() == 1)
              .isPresent();
      if (old && alone) {
        members.remove(number);
        member.close();
        whyMissing.put(
            number,
            "%s is an older copy of it (generation %d of its label, and it had %d): put the newer back"
                .formatted(member.path(), member.generation(), newest.generation()));
      }
    }
  }

  /** The device that was opened may be a copy of the one that the pool knows. */
  private void refuseTwin(PoolLabel newest, Member first) throws MediaOpenException {
    DeviceEntry entry = newest.config().device(first.number());
    Path known = entry.path().isEmpty() ? path : Path.of(entry.path());
    if (!source.absolute(known).equals(source.absolute(path)) && isAt(newest, entry, known)) {
      throw twice(entry, path, known);
    }
  }

  private static MediaOpenException twice(DeviceEntry entry, Path one, Path other) {
    return new MediaOpenException(
        one.toString(),
        Reason.DUPLICATE,
        "both this and %s say that they are device %d: one is a copy; move it away"
            .formatted(other, entry.number()));
  }

  /** Devices that the newest config does not list. */
  private void closeStrangers(PoolLabel newest, int opened) throws IOException {
    for (Member member : List.copyOf(members.values())) {
      boolean listed =
          newest.config().devices().stream()
              .anyMatch(entry -> entry.uuid().equals(member.found().label().deviceUuid()));
      if (!listed) {
        if (member.number() == opened) {
          throw new MediaOpenException(
              path.toString(),
              Reason.DETACHED,
              "it was taken out of its pool, which has these devices now: %s; open one of them"
                  .formatted(paths(newest.config().devices())));
        }
        members.remove(member.number());
        member.close();
      }
    }
  }

  private void refuseHoles(PoolConfig config, Map<Integer, String> missing)
      throws MediaOpenException {
    if (options.missing() == PoolOptions.Missing.ALLOW
        || missing.isEmpty()
        || Coverage.isWhole(config, members.keySet())) {
      return;
    }
    StringBuilder why = new StringBuilder();
    missing.forEach(
        (number, reason) ->
            why.append(
                "device %d (%s): %s; ".formatted(number, config.device(number).path(), reason)));
    throw new MediaOpenException(
        path.toString(),
        Reason.DEVICE_MISSING,
        "part of the pool is not there, and nothing was changed: "
            + why
            + "bring it back, name its folder (--search DIR), or open what is there (--partial)");
  }

  private static String paths(Collection<DeviceEntry> entries) {
    return String.join(", ", entries.stream().map(DeviceEntry::path).toList());
  }

  private void undo(Throwable failed) {
    for (Member member : members.values()) {
      try {
        member.close();
      } catch (IOException | RuntimeException suppressed) {
        failed.addSuppressed(suppressed);
      }
    }
  }
}
