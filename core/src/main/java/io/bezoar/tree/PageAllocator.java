package io.bezoar.tree;

import static io.bezoar.media.Units.PAGE_BYTES;
import static io.bezoar.tree.SpaceLayout.GROUP_PAGES;

import io.bezoar.dax.DaxDevice;
import java.io.IOException;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Hands out pages.
 *
 * <p><b>Invariant.</b> A page is handed out only when the newest durable commit says that it is
 * free, nobody got it since, no older state that can still be reached has it, and the device knows
 * of no poison in it.
 *
 * <p>What cannot be handed out is for {@link TakenPages}, where to look for the rest for {@link
 * PageSearch}. One lock, taken before those of the device; nobody is called with it held but {@link
 * Committed}.
 */
final class PageAllocator {
  /** What a page is for. */
  enum Home {
    FIRST_COPY,
    SECOND_COPY
  }

  /** What the durable commit says of a group: its bits, 1 for pages in use. */
  interface Committed {
    long[] group(int group) throws IOException;
  }

  private final ReentrantLock lock = new ReentrantLock();
  private final long pages;

  // Both guarded by lock.
  private final TakenPages taken;
  private final PageSearch search;

  PageAllocator(DaxDevice device, Committed committed, long freePages) {
    this.pages = device.sizeBytes() / PAGE_BYTES;
    this.taken = new TakenPages(device, committed, freePages);
    this.search = new PageSearch(device, taken);
  }

  int groupCount() {
    return taken.groupCount();
  }

  /** Pages that can be handed out now, as far as is known. */
  long available() {
    lock.lock();
    try {
      return taken.available();
    } finally {
      lock.unlock();
    }
  }

  /** Pages that were freed and cannot be used again yet. */
  long restingPages() {
    lock.lock();
    try {
      return taken.restingPages();
    } finally {
      lock.unlock();
    }
  }

  /** Pages set aside because the device knows them to be bad, as far as anybody came across. */
  long quarantinedPages() {
    lock.lock();
    try {
      return taken.quarantinedPages();
    } finally {
      lock.unlock();
    }
  }

  // Taking.

  /**
   * Takes one page.
   *
   * @param avoid a failure domain to keep out of while a page outside of it is free, or -1
   * @return its number, or -1 when none is free
   */
  long takePage(Home home, int avoid) throws IOException {
    lock.lock();
    try {
      long page = search.page(home, avoid);
      if (page >= 0) {
        take(page, page + 1);
      }
      return page;
    } finally {
      lock.unlock();
    }
  }

  /** Takes a certain page, which must be free: for what has its place by rule. */
  void takeAt(long page) throws IOException {
    lock.lock();
    try {
      take(page, page + 1);
    } finally {
      lock.unlock();
    }
  }

  private void take(long begin, long end) throws IOException {
    taken.take(begin, end);
    search.took(begin, end);
  }

  /**
   * Takes a run of pages for data.
   *
   * @param wanted pages, at least 1
   * @return first page and number of pages of the longest run found, no longer than wanted, or null
   *     when nothing is free
   */
  long @Nullable [] takeRun(long wanted) throws IOException {
    lock.lock();
    try {
      int length = (int) Math.min(wanted, GROUP_PAGES);
      while (true) {
        long[] run = search.run(length);
        if (run == null) {
          return null;
        }
        long end = run[0] + run[1];
        if (!taken.quarantine(run[0], end)) {
          taken.take(run[0], end);
          search.tookRun(run[0], end);
          return run;
        }
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Takes the free pages from a certain one on.
   *
   * @param wanted pages, at least 1
   * @return how many of them were free, and are taken
   */
  long takeFrom(long page, long wanted) throws IOException {
    lock.lock();
    Extents had = new Extents();
    boolean done = false;
    try {
      long end = Math.min(pages, page + wanted);
      long at = page;
      while (at < end) {
        long to = search.freeUpTo(at, end);
        if (to == at) {
          break;
        }
        if (!taken.quarantine(at, to)) {
          take(at, to);
          had.add(at, to - at, 0);
          at = to;
        }
      }
      done = true;
      return at - page;
    } finally {
      if (!done) {
        taken.giveBack(had, search::released);
      }
      lock.unlock();
    }
  }

  /** Leaves room to grow behind a run, for one that wanted to go on at {@code goal}. */
  void leaveGap(long end, long goal) {
    lock.lock();
    try {
      search.leaveGap(end, goal);
    } finally {
      lock.unlock();
    }
  }

  // Giving back.

  /** Pages of quarantine that have been cleared meanwhile can be handed out again. */
  void releaseCleared() {
    lock.lock();
    try {
      taken.releaseCleared(search::released);
    } finally {
      lock.unlock();
    }
  }

  /** Gives back pages that nobody has seen: those of a transaction that aborted. */
  void giveBack(Extents unseen) {
    lock.lock();
    try {
      taken.giveBack(unseen, search::released);
    } finally {
      lock.unlock();
    }
  }

  /** Pages freed by commits before {@code limit}, exclusive, can be used again. */
  void reuse(long limit) {
    lock.lock();
    try {
      taken.reuse(limit, search::released);
    } finally {
      lock.unlock();
    }
  }

  // Commits.

  /**
   * A commit is durable.
   *
   * @param allocated pages that are in use since it
   * @param freed pages that are free since it; they rest
   * @param publish makes the commit the durable one
   */
  void committed(long commit, Extents allocated, Extents freed, Runnable publish) {
    lock.lock();
    try {
      publish.run();
      taken.committed(commit, allocated, freed);
    } finally {
      lock.unlock();
    }
  }

  /**
   * What the durable commit says was wrong or lost, and can be had now.
   *
   * @param freePages that it leaves free
   */
  void readAnew(long freePages) {
    lock.lock();
    try {
      taken.readAnew(freePages);
      search.startAnew();
    } finally {
      lock.unlock();
    }
  }

  // Asking.

  /** True when all these pages belong to somebody: in the durable commit, or since. */
  boolean inUse(long begin, long end) throws IOException {
    lock.lock();
    try {
      return taken.inUse(begin, end);
    } finally {
      lock.unlock();
    }
  }

  /** How it stands with a page. */
  enum Standing {
    /** Can be handed out, or could if it were not bad. */
    FREE,
    /** Handed out since the durable commit. */
    FRESH,
    /** Freed by the durable commit or an earlier one, and not to be used yet. */
    RESTING,
    /** In use in the durable commit. */
    COMMITTED
  }

  /** How it stands with pages of one group. */
  Standing[] standing(long begin, long end) throws IOException {
    lock.lock();
    try {
      Standing[] standings = new Standing[(int) (end - begin)];
      for (long page = begin; page < end; page++) {
        standings[(int) (page - begin)] = taken.standing(page);
      }
      return standings;
    } finally {
      lock.unlock();
    }
  }
}
