package io.bezoar.fs;

/**
 * One file, directory or symbolic link, in one state of the filesystem.
 *
 * @param snapshot the commit that the snapshot keeps, or {@link #LIVE}
 * @param inode its number: the same in all states, and never used again
 */
public record FileId(long snapshot, long inode) implements Comparable<FileId> {
  /** Stands for the state that changes. */
  public static final long LIVE = 0;

  /** The directory that everything is under. */
  public static final FileId ROOT = new FileId(LIVE, 1);

  /** The directory of all snapshots, {@code /.snapshots}: it is made of nothing. */
  public static final FileId SNAPSHOTS = new FileId(LIVE, 2);

  /** A file of the live state. */
  static FileId live(long inode) {
    return new FileId(LIVE, inode);
  }

  /** True for what a snapshot keeps, which never changes. */
  public boolean isSnapshot() {
    return snapshot != LIVE;
  }

  /** Another file of the same state. */
  FileId of(long other) {
    return new FileId(snapshot, other);
  }

  @Override
  public int compareTo(FileId other) {
    int order = Long.compareUnsigned(snapshot, other.snapshot);
    return order != 0 ? order : Long.compareUnsigned(inode, other.inode);
  }
}
