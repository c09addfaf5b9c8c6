package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.tree.Forest;
import io.bezoar.tree.ForestOptions;
import io.bezoar.tree.PageUse;
import io.bezoar.tree.TreeDamagedException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * One media fault at a time, in every kind of structure, before and during every operation. What
 * has a second copy or redundancy below is healed, and nobody notices; what has not is named, and
 * everything else goes on. A wrong byte is never read.
 */
class FsFaultTest {
  private static final int PAGE = FsRig.PAGE;
  private static final List<FaultKind> KINDS = List.of(FaultKind.values());
  private static final List<FaultKind> REFUSING =
      KINDS.stream().filter(FaultKind::refuses).toList();

  /** Trees of which opening reads something. */
  private static final List<String> NEEDED_TO_OPEN = List.of("meta", "orphans", "inodes");

  private final long base = Long.getLong("bezoar.seed", System.nanoTime());

  private interface Round {
    /** Does it, and says what it is about to do. */
    void run(SplittableRandom random, long seed, List<String> story) throws Exception;
  }

  private void rounds(String method, int standard, Round round) {
    int rounds = Integer.getInteger("bezoar.rounds", standard);
    for (int i = 0; i < rounds; i++) {
      long seed = base + i;
      List<String> story = new ArrayList<>();
      try {
        round.run(new SplittableRandom(seed), seed, story);
      } catch (Throwable failed) {
        throw new AssertionError(
            "seed "
                + seed
                + " "
                + story
                + "; replay: mvn -pl core -am test -Dtest=FsFaultTest#"
                + method
                + " -Dbezoar.rounds="
                + rounds
                + " -Dbezoar.seed="
                + base,
            failed);
      }
    }
  }

  /** A tree with something of everything, all of it durable. */
  private static FsTwin furnish(FsRig.Below below, SplittableRandom random, long seed)
      throws IOException, FsTwin.Cut {
    FsTwin twin = FsWorkload.prepare(FsRig.create(below, 6, seed));
    FsDriver driver = new FsDriver(twin, random, 60, 300);
    for (int i = 0; i < 60; i++) {
      driver.step();
    }
    twin.reopen();
    twin.rig.settle();
    twin.model.durable();
    return twin;
  }

  /** Pages of the device by what they are for. */
  private static Map<String, List<Long>> structures(FsRig rig) throws IOException {
    Map<String, List<Long>> found = new TreeMap<>();
    for (Owner owner : rig.fs.owners(new ByteRange(0, rig.device.sizeBytes()))) {
      String what =
          switch (owner) {
            case Owner.Data data -> data.file().isSnapshot() ? "data of a snapshot" : "data";
            case Owner.Metadata metadata -> kind(metadata.structure());
            case Owner.Free _ -> "free";
            case Owner.Quarantined _ -> "quarantined";
            case Owner.Unknown _ -> "unknown";
          };
      List<Long> pages = found.computeIfAbsent(what, _ -> new ArrayList<>());
      for (long at = owner.device().start(); at < owner.device().end(); at += PAGE) {
        pages.add(at / PAGE * PAGE);
      }
    }
    assertThat(found).doesNotContainKeys("quarantined", "unknown");
    return found;
  }

  /** Without the numbers that tell one node from another. */
  private static String kind(String structure) {
    return structure.replaceAll("0x[0-9a-f]+|[0-9]+", "#");
  }

  @ParameterizedTest
  @EnumSource(FsRig.Below.class)
  void shouldHealOneFaultAnywhereBeforeAndDuringAnyOperation(FsRig.Below below) {
    rounds(
        "shouldHealOneFaultAnywhereBeforeAndDuringAnyOperation",
        below == FsRig.Below.LEAF ? 60 : 25,
        (random, seed, story) -> {
          FsTwin twin = furnish(below, random, seed);
          FsRig rig = twin.rig;
          Map<String, List<Long>> structures = structures(rig);
          if (below == FsRig.Below.LEAF) {
            // Nothing below brings those back: they have tests of their own.
            structures.keySet().removeIf(what -> what.startsWith("data"));
          }
          List<String> kinds = List.copyOf(structures.keySet());
          String what = kinds.get(random.nextInt(kinds.size()));
          List<Long> pages = Objects.requireNonNull(structures.get(what));
          long page = pages.get(random.nextInt(pages.size()));
          boolean during = random.nextBoolean();
          // Without checksums below, wrong bytes show in metadata alone. A page that is freed and
          // used again while an operation runs may be anything by then.
          boolean refusing = below == FsRig.Below.LEAF && (during || what.equals("free"));
          List<FaultKind> possible = refusing ? REFUSING : KINDS;
          FaultKind fault = possible.get(random.nextInt(possible.size()));
          int step = during ? 1 + random.nextInt(20) : 0;
          story.add(fault + " in " + what + " at " + page + " before step " + step);
          strike(rig, fault, page, step, random);
          if (!during && random.nextBoolean()) {
            story.add("cold");
            twin.reopen();
          }
          work(twin, random, story);
          rig.media.onStep(null);
          twin.compareAll();
          rig.assertClean();
          twin.reopen();
          twin.compareAll();
          assertThat(rig.assertClean().healedCopies()).isEmpty();
        });
  }

  /** Now, or before some step from now on. */
  private static void strike(
      FsRig rig, FaultKind fault, long page, int step, SplittableRandom random) throws IOException {
    long chance = random.nextLong();
    if (step == 0) {
      rig.strike(fault, page, chance);
      return;
    }
    long at = rig.media.stepCount() + step;
    rig.media.onStep(
        (_, _) -> {
          if (rig.media.stepCount() == at) {
            rig.strike(fault, page, chance);
          }
        });
  }

  private static void work(FsTwin twin, SplittableRandom random, List<String> story)
      throws IOException, FsTwin.Cut {
    FsWorkload workload = FsWorkload.random(random, 2);
    story.add(workload.toString());
    workload.run(twin);
    FsDriver driver = new FsDriver(twin, random, 60, 300);
    for (int i = 0; i < 5; i++) {
      driver.step();
    }
    story.add(twin.history());
  }

  // Data without redundancy.

  @Test
  void shouldNameWhatIsLostOfFilesAndServeTheRest() {
    rounds(
        "shouldNameWhatIsLostOfFilesAndServeTheRest",
        25,
        (random, seed, story) -> {
          FsTwin twin = furnish(FsRig.Below.LEAF, random, seed);
          FsRig rig = twin.rig;
          List<Long> pages = writtenPages(twin);
          if (pages.isEmpty()) {
            return;
          }
          long page = pages.get(random.nextInt(pages.size()));
          FaultKind fault = REFUSING.get(random.nextInt(2));
          List<Owner> owners = rig.fs.owners(ByteRange.ofLength(page, PAGE));
          story.add(fault + " at " + page + " of " + owners);
          rig.strike(fault, page, random.nextLong());
          for (Owner owner : owners) {
            assertLost(twin, (Owner.Data) owner, page, owners.size());
          }
          assertEverythingElse(twin, page);
          rig.assertClean();
          replace(twin, owners, random, story);
          rig.settle();
          rig.assertClean();
          // Whoever had it has it no more, and nobody else gets it.
          assertThat(rig.fs.owners(ByteRange.ofLength(page, PAGE)))
              .allMatch(owner -> owner instanceof Owner.Quarantined || owner instanceof Owner.Free);
          FsDriver driver = new FsDriver(twin, random, 60, 300);
          for (int i = 0; i < 20; i++) {
            driver.step();
          }
          twin.reopen();
          twin.compareAll();
          rig.assertClean();
        });
  }

  /** Pages of the device that hold what somebody wrote to a file. */
  private static List<Long> writtenPages(FsTwin twin) throws IOException {
    List<Long> pages = new ArrayList<>();
    for (long inode : twin.now().inodes(FileType.REGULAR)) {
      try (OpenFile file = twin.rig.fs.open(FileId.live(inode))) {
        for (FileExtent extent : file.extents(new ByteRange(0, file.sizeBytes()))) {
          for (long at = extent.device().start(); at < extent.device().end(); at += PAGE) {
            if (extent.content() == FileExtent.Content.WRITTEN) {
              pages.add(at);
            }
          }
        }
      }
    }
    return pages;
  }

  private static FsState kept(FsTwin twin, SnapshotInfo info) {
    return Objects.requireNonNull(twin.now().snapshots().get(info.name()));
  }

  private static FsState stateOf(FsTwin twin, FileId file) throws IOException {
    if (!file.isSnapshot()) {
      return twin.now();
    }
    for (SnapshotInfo info : twin.rig.fs.snapshots()) {
      if (info.commit() == file.snapshot()) {
        return kept(twin, info);
      }
    }
    throw new AssertionError("no snapshot " + file);
  }

  /** One owner cannot read the page, and hears which it is. */
  private static void assertLost(FsTwin twin, Owner.Data owner, long page, int sharers)
      throws IOException {
    FsNode node = stateOf(twin, owner.file()).find(owner.file().inode());
    if (node == null) {
      // It had no name any more when the snapshot was made, and was not gone yet: nobody reads it.
      assertThat(owner.file().isSnapshot()).isTrue();
      assertThat(twin.rig.fs.paths(owner.file())).isEmpty();
      return;
    }
    FsContent content = node.content;
    long start = owner.range().start();
    if (start >= content.size()) {
      return;
    }
    // A file may share a page with itself, and would meet it before.
    boolean once = sharers == 1;
    long from = once ? Math.max(0, start - 2 * PAGE - 7) : start;
    int length = (int) (start - from) + 3 * PAGE;
    List<String> paths = twin.rig.fs.paths(owner.file());
    try (OpenFile file = twin.rig.fs.open(owner.file());
        Arena arena = Arena.ofConfined()) {
      MemorySegment dst = arena.allocate(length, PAGE);
      assertThatThrownBy(() -> file.read(from, dst))
          .isInstanceOfSatisfying(
              DamagedRangeException.class,
              damaged -> {
                assertThat(damaged.range().start()).isEqualTo(start);
                assertThat(damaged.range().length()).isBetween(1L, (long) PAGE);
                assertThat(damaged.device().start()).isEqualTo(page);
                assertThat(damaged.goodPrefixBytes()).isEqualTo(start - from);
                assertThat(paths).contains(damaged.getFile());
              });
      byte[] prefix = dst.asSlice(0, start - from).toArray(ValueLayout.JAVA_BYTE);
      assertThat(prefix).isEqualTo(content.read(from, prefix.length));
    }
  }

  /** All pages but one, of all files of all states, can be read. */
  private static void assertEverythingElse(FsTwin twin, long page) throws IOException {
    for (SnapshotInfo info : twin.rig.fs.snapshots()) {
      FsState state = kept(twin, info);
      for (long inode : state.inodes(FileType.REGULAR)) {
        assertRest(twin, new FileId(info.commit(), inode), state, page);
      }
    }
    for (long inode : twin.now().inodes(FileType.REGULAR)) {
      assertRest(twin, FileId.live(inode), twin.now(), page);
    }
  }

  private static void assertRest(FsTwin twin, FileId id, FsState state, long page)
      throws IOException {
    FsContent content = state.node(id.inode()).content;
    try (OpenFile file = twin.rig.fs.open(id)) {
      for (FileExtent extent : file.extents(new ByteRange(0, content.size()))) {
        for (long at = extent.file().start(); at < extent.file().end(); at += PAGE) {
          long where = extent.device().start() + at - extent.file().start();
          if (where != page) {
            assertThat(FsObserver.read(file, at, PAGE)).isEqualTo(content.read(at, PAGE));
          }
        }
      }
    }
  }

  /** Each owner gets rid of the page in its own way. */
  private static void replace(
      FsTwin twin, List<Owner> owners, SplittableRandom random, List<String> story)
      throws IOException, FsTwin.Cut {
    for (String snapshot : List.copyOf(twin.now().snapshots().keySet())) {
      twin.deleteSnapshot(FileName.of(snapshot));
    }
    for (Owner owner : owners) {
      Owner.Data data = (Owner.Data) owner;
      long inode = data.file().inode();
      if (data.file().isSnapshot()) {
        continue;
      }
      int way = random.nextInt(3);
      story.add("way " + way + " for " + inode);
      try (OpenFile file = twin.rig.fs.open(data.file());
          Arena arena = Arena.ofConfined()) {
        long start = data.range().start();
        MemorySegment some = FsObserver.segment(arena, new byte[] {1, 2, 3});
        if (start < twin.now().node(inode).content.size()) {
          assertThatThrownBy(() -> file.write(start + 100, some))
              .isInstanceOf(DamagedRangeException.class);
        }
      }
      replaceOne(twin, inode, data.range(), way);
    }
  }

  /** Nothing that looks at the file before it is whole again. */
  private static void replaceOne(FsTwin twin, long inode, ByteRange range, int way)
      throws IOException, FsTwin.Cut {
    ByteRange page = range.alignOutward(PAGE);
    twin.withoutLooking(
        () -> {
          twin.open(inode);
          switch (way) {
            case 0 -> twin.write(inode, page.start(), new byte[PAGE]);
            case 1 -> twin.punch(inode, page);
            default -> twin.truncate(inode, 0);
          }
          twin.close(inode);
        });
  }

  // Metadata that is lost in both copies.

  @Test
  void shouldWorkOnWithoutANodeThatIsLostInBothCopies() {
    rounds(
        "shouldWorkOnWithoutANodeThatIsLostInBothCopies",
        40,
        (random, seed, story) -> {
          FsTwin twin = furnish(FsRig.Below.LEAF, random, seed);
          FsRig rig = twin.rig;
          rig.fs.close();
          PageUse.TreeNode node = anyNode(rig, random);
          story.add(node.toString());
          for (ByteRange copy : List.of(node.range(), node.twin())) {
            rig.strike(REFUSING.get(random.nextInt(2)), copy.start(), random.nextLong());
          }
          boolean needed = NEEDED_TO_OPEN.contains(node.tree().name()) || node.tree().id() < 3;
          try {
            rig.fs = Filesystem.open(rig.device, rig.options);
          } catch (FilesystemException damaged) {
            assertThat(needed).as("%s", damaged).isTrue();
            return;
          }
          if (!rig.fs.notes().isEmpty()) {
            // Without the root of a tree a commit is none: it opened at the one before, and says
            // so.
            assertThat(rig.fs.notes()).singleElement().asString().contains("lost the root node");
            rig.assertClean();
            return;
          }
          story.add("served " + assertRightOrDamaged(twin));
          assertThat(rig.fs.check().clean()).isFalse();
          if (node.tree().id() >= 3) {
            changeAround(twin, random);
          }
          story.add(twin.history());
          assertRightOrDamaged(twin);
        });
  }

  /** Changes whatever can be changed; what cannot be is refused, and stays as it is. */
  private static void changeAround(FsTwin twin, SplittableRandom random)
      throws IOException, FsTwin.Cut {
    twin.mayBeDamaged();
    FsDriver driver = new FsDriver(twin, random, 100, 500);
    for (int i = 0; i < 20; i++) {
      driver.change();
    }
  }

  /** The first copy of some node of the newest commit. */
  private static PageUse.TreeNode anyNode(FsRig rig, SplittableRandom random) throws IOException {
    ForestOptions options = ForestOptions.with(Runnable::run);
    List<PageUse.TreeNode> nodes = new ArrayList<>();
    try (Forest forest = Forest.open(rig.device, options)) {
      for (PageUse use : forest.uses(new ByteRange(0, rig.device.sizeBytes()))) {
        if (use instanceof PageUse.TreeNode node
            && node.copy() == PageUse.Copy.FIRST
            && node.holds().isEmpty()) {
          nodes.add(node);
        }
      }
    }
    return nodes.get(random.nextInt(nodes.size()));
  }

  private interface Look {
    void run() throws IOException;
  }

  /** How many things could be looked at; all that could were right. */
  private static int assertRightOrDamaged(FsTwin twin) throws IOException {
    int served = 0;
    for (Map.Entry<Long, FsNode> entry : twin.now().nodes().entrySet()) {
      FileId id = FileId.live(entry.getKey());
      FsNode want = entry.getValue();
      served +=
          served(
              () -> {
                FsNode found = FsObserver.node(twin.rig.fs, id);
                assertThat(FsDiff.attributes(want, found, List.of())).isNull();
                assertThat(found.entries).isEqualTo(want.entries);
              });
      served +=
          served(
              () ->
                  assertThat(twin.rig.fs.paths(id))
                      .containsExactlyInAnyOrderElementsOf(twin.now().paths(id.inode())));
    }
    return served;
  }

  private static int served(Look look) throws IOException {
    try {
      look.run();
      return 1;
    } catch (FilesystemDamagedException damaged) {
      TreeDamagedException why = damaged.damage();
      assertThat(why.copies()).hasSize(2);
      return 0;
    }
  }
}
