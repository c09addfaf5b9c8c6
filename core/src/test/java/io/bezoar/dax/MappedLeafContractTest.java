package io.bezoar.dax;

import io.bezoar.media.Access;
import io.bezoar.media.Allocation;
import io.bezoar.media.ByteRange;
import io.bezoar.media.Drills;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.Media;
import io.bezoar.media.MediaChoice;
import io.bezoar.media.MediaFiles;
import io.bezoar.media.MediaFolders;
import io.bezoar.media.MediaOptions;
import io.bezoar.media.Units;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;

/** A leaf on a mapping of real memory, where poison really traps. */
class MappedLeafContractTest extends DaxDeviceContractTest {
  private static final long SIZE = 64L * Units.PAGE_BYTES;
  private static final MediaOptions MAPPED =
      new MediaOptions(Access.READ_WRITE, MediaChoice.MAPPED, Drills.ON);
  private static final PoisonRegion REGION =
      new PoisonRegion(
          ByteRange.ofLength(0, 2L * Units.PAGE_BYTES),
          ByteRange.ofLength(SIZE - 2L * Units.PAGE_BYTES, 2L * Units.PAGE_BYTES));

  private final List<Path> folders = new ArrayList<>();

  @Override
  protected Fixture open() throws IOException {
    Path folder = MediaFolders.onTmpfs();
    folders.add(folder);
    Path file = folder.resolve("leaf");
    Media media = MediaFiles.create(file, SIZE, Allocation.PREALLOCATED, MAPPED);
    LeafDevice.format(media, REGION);
    return new MappedFixture(file, media);
  }

  @AfterEach
  void removeFolders() throws IOException {
    for (Path folder : folders) {
      MediaFolders.remove(folder);
    }
  }

  @Override
  protected Abilities abilities() {
    return new Abilities(false, true, true, Units.PAGE_BYTES);
  }

  private static final class MappedFixture implements Fixture {
    private final Path file;
    private Media media;
    private NoticeDispatcher dispatcher;
    private LeafDevice device;

    MappedFixture(Path file, Media media) throws IOException {
      this.file = file;
      this.media = media;
      this.dispatcher = newDispatcher();
      this.device = LeafDevice.open(media, REGION, () -> Instant.EPOCH, dispatcher);
    }

    private static NoticeDispatcher newDispatcher() {
      return new NoticeDispatcher("leaf", () -> Instant.EPOCH, task -> {});
    }

    private void openAgain() throws IOException {
      media = MediaFiles.open(file, MAPPED);
      dispatcher = newDispatcher();
      device = LeafDevice.open(media, REGION, () -> Instant.EPOCH, dispatcher);
    }

    @Override
    public DaxDevice device() {
      return device;
    }

    @Override
    public ByteRange usable() {
      return new ByteRange(2L * Units.PAGE_BYTES, SIZE - 2L * Units.PAGE_BYTES);
    }

    @Override
    public void strike(ByteRange range) throws IOException {
      media.injector().inject(FaultSpec.of(FaultKind.POISON, range, 1));
    }

    @Override
    public void lose(ByteRange range) throws IOException {
      strike(range);
    }

    @Override
    public void loseForGood(ByteRange range) throws IOException {
      media.injector().inject(new FaultSpec(FaultKind.POISON, range, true, 1));
    }

    @Override
    public void failNextPersist() {
      Assumptions.abort("memory has nothing to persist, so that cannot fail");
    }

    @Override
    public void vanish() {
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.truncate(0);
      } catch (IOException e) {
        throw new AssertionError(e);
      }
    }

    /** The process dies, which is all that this media promises to outlive. */
    @Override
    public void crash() throws IOException {
      media.close();
      openAgain();
    }

    @Override
    public void reopen() throws IOException {
      device.close();
      openAgain();
    }

    @Override
    public void deliverNotices() {
      dispatcher.drain();
    }
  }
}
