package io.bezoar.fs;

import static io.bezoar.media.Units.PAGE_BYTES;

import io.bezoar.media.ByteRange;

/**
 * A run of pages of a file that lies in one run on the device. Everything in pages.
 *
 * @param inode whose
 * @param page the first one in the file
 * @param count how many
 * @param start the first one on the device
 * @param born commit that took the pages
 * @param content what is there
 */
record Extent(
    long inode, long page, long count, long start, long born, FileExtent.Content content) {

  /** First page of the file behind it. */
  long end() {
    return page + count;
  }

  /** First page of the device behind it. */
  long deviceEnd() {
    return start + count;
  }

  boolean isWritten() {
    return content == FileExtent.Content.WRITTEN;
  }

  /** Where it is on the device, bytes. */
  ByteRange device() {
    return new ByteRange(start * PAGE_BYTES, deviceEnd() * PAGE_BYTES);
  }

  /** The part of it within pages {@code [from, to)} of the file, of which there is one. */
  Extent within(long from, long to) {
    long first = Math.max(page, from);
    return new Extent(
        inode, first, Math.min(end(), to) - first, start + first - page, born, content);
  }

  Extent with(long newCount, long newBorn) {
    return new Extent(inode, page, newCount, start, newBorn, content);
  }

  Extent with(FileExtent.Content newContent) {
    return new Extent(inode, page, count, start, born, newContent);
  }

  /** The same pages, of another file. */
  Extent of(long otherInode, long otherPage) {
    return new Extent(otherInode, otherPage, count, start, born, content);
  }

  FileExtent asFileExtent() {
    return new FileExtent(new ByteRange(page * PAGE_BYTES, end() * PAGE_BYTES), device(), content);
  }
}
