package io.bezoar.nio;

import io.bezoar.fs.FilesystemStatus;
import io.bezoar.media.Units;
import java.io.IOException;
import java.nio.file.FileStore;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.FileAttributeView;
import java.nio.file.attribute.FileOwnerAttributeView;
import java.nio.file.attribute.FileStoreAttributeView;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The space of a pool. */
final class PoolFileStore extends FileStore {
  private static final Set<Class<? extends FileAttributeView>> VIEWS =
      Set.of(
          BasicFileAttributeView.class,
          FileOwnerAttributeView.class,
          PosixFileAttributeView.class,
          UserDefinedFileAttributeView.class);

  private final PoolFileSystem fs;

  PoolFileStore(PoolFileSystem fs) {
    this.fs = fs;
  }

  private FilesystemStatus status() {
    fs.checkOpen();
    return fs.files().status();
  }

  @Override
  public String name() {
    return fs.pool().toString();
  }

  @Override
  public String type() {
    return PoolUri.SCHEME;
  }

  @Override
  public boolean isReadOnly() {
    return fs.isReadOnly();
  }

  @Override
  public long getTotalSpace() {
    return status().totalBytes();
  }

  @Override
  public long getUsableSpace() {
    return status().freeBytes();
  }

  /** With what is kept back so that deleting works in a full pool. */
  @Override
  public long getUnallocatedSpace() {
    FilesystemStatus now = status();
    return now.freeBytes() + now.reservedBytes();
  }

  @Override
  public long getBlockSize() {
    return Units.PAGE_BYTES;
  }

  @Override
  public boolean supportsFileAttributeView(Class<? extends FileAttributeView> type) {
    return VIEWS.contains(Objects.requireNonNull(type));
  }

  @Override
  public boolean supportsFileAttributeView(String name) {
    return fs.supportedFileAttributeViews().contains(name);
  }

  @Override
  public <V extends FileStoreAttributeView> @Nullable V getFileStoreAttributeView(Class<V> type) {
    Objects.requireNonNull(type);
    return null;
  }

  @Override
  public Object getAttribute(String attribute) throws IOException {
    return switch (attribute) {
      case "totalSpace" -> getTotalSpace();
      case "usableSpace" -> getUsableSpace();
      case "unallocatedSpace" -> getUnallocatedSpace();
      default ->
          throw new UnsupportedOperationException("'" + attribute + "' is no attribute of a store");
    };
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return other instanceof PoolFileStore store && store.fs == fs;
  }

  @Override
  public int hashCode() {
    return fs.hashCode();
  }

  @Override
  public String toString() {
    return name() + " (" + type() + ")";
  }
}
