package io.bezoar.media;

import java.io.IOException;
import java.nio.file.Path;

class MappedMediaTest extends MediaContractTest {
  private final Path folder;
  private int made;

  MappedMediaTest() throws IOException {
    folder = MediaFolders.onTmpfs();
  }

  @Override
  protected Media create(long sizeBytes) throws IOException {
    return MediaFiles.create(
        folder.resolve("media" + made++),
        sizeBytes,
        Allocation.PREALLOCATED,
        new MediaOptions(Access.READ_WRITE, MediaChoice.MAPPED, Drills.ON));
  }

  @Override
  protected void removeMedia() throws IOException {
    MediaFolders.remove(folder);
  }
}
