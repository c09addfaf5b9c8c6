package io.bezoar.fs;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Inodes that are opened while others change or close them. */
class OpenInodesTest {
  private final List<Thread> others = new ArrayList<>();
  private final OpenInodes inodes = new OpenInodes(this::ticketBeforeAChange);

  /** While an inode is made, somebody else changes the file. */
  private long ticketBeforeAChange() {
    Thread other = Thread.ofPlatform().start(() -> inodes.touched(16, 9));
    others.add(other);
    while (other.getState() != Thread.State.BLOCKED && other.isAlive()) {
      Thread.onSpinWait();
    }
    return 8;
  }

  @Test
  @Timeout(30)
  void shouldNotMissAChangeWhileAnInodeIsMade() throws Exception {
    OpenInode inode = inodes.acquire(16);
    for (Thread other : others) {
      other.join();
    }
    assertThat(inode.sync.owed(ticket -> ticket <= 8)).isEqualTo(new SyncState.Owed.Commit(9));
  }

  @Test
  void shouldRetainOnlyWhatIsHad() {
    OpenInode inode = inodes.acquire(16);
    assertThat(inodes.retain(inode)).isTrue();
    assertThat(inodes.release(inode)).isFalse();
    assertThat(inodes.isAlone(inode)).isTrue();
    assertThat(inodes.release(inode)).isTrue();
    assertThat(inodes.retain(inode)).isFalse();
    OpenInode anew = inodes.acquire(16);
    assertThat(inodes.retain(inode)).isFalse();
    assertThat(inodes.isAlone(anew)).isTrue();
  }
}
