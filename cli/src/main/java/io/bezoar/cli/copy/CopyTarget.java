package io.bezoar.cli.copy;

import io.bezoar.fs.AttributeName;
import io.bezoar.fs.FileName;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where copies go. A file that is there already is replaced as one step, when its copy is whole; a
 * directory that is there is gone on with. Errors name the file.
 */
interface CopyTarget {
  /** Where {@code path} leads. */
  Spot spot(String path) throws IOException;

  /**
   * Makes sure that there is a directory at {@code path}.
   *
   * @throws java.nio.file.NoSuchFileException when there is nothing
   * @throws java.nio.file.NotDirectoryException when it is something else
   */
  void requireDirectory(String path) throws IOException;

  /**
   * Where a copy is to be put.
   *
   * @param directory the directory that is there; null when there is none
   * @param parent the directory that it would be in
   * @param name its name there; null for the root, which is there
   */
  record Spot(@Nullable Where directory, Where parent, @Nullable FileName name) {}

  /** Makes sure that a directory is no part of what is copied into it. */
  void refuseInside(CopyItem source, Where directory) throws IOException;

  /** The directory of this name, made if there is none. */
  Where directory(Where parent, FileName name, CopyAttributes attributes) throws IOException;

  /** True when there is something of this name. */
  boolean exists(Where parent, FileName name) throws IOException;

  /** Makes a symbolic link. */
  void link(Where parent, FileName name, byte[] target, CopyItem source) throws IOException;

  /** Gives a file that was copied another name. */
  void hardLink(Where copied, Where parent, FileName name) throws IOException;

  /** Begins a file. */
  Output create(Where parent, FileName name, CopyItem source) throws IOException;

  /** Gives a directory that is complete what its source has. */
  void finish(Where directory, CopyAttributes attributes, Map<AttributeName, byte[]> extended)
      throws IOException;

  /** What has been said to be done is durable when this returns; false when nobody asked for it. */
  boolean sync() throws IOException;

  /** A file that is being made; it is taken away again unless it is finished. */
  interface Output extends AutoCloseable {
    /** Writes. */
    void write(long offset, MemorySegment bytes) throws IOException;

    /** Lets it share all bytes of its source, if that can be; false when it has to be copied. */
    boolean share(CopySource.Content content) throws IOException;

    /**
     * It is complete.
     *
     * @return where it lies
     */
    Where finish(long sizeBytes, CopyAttributes attributes, Map<AttributeName, byte[]> extended)
        throws IOException;

    @Override
    void close() throws IOException;
  }
}
