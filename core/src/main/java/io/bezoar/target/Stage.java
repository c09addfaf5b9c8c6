package io.bezoar.target;

import io.bezoar.media.Units;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Pages that were written but whose journal record is not durable yet, where a persist is dear:
 * they wait here for a flush or the watermark, and reads find them here first.
 *
 * <p>Page images are immutable once put and live on the heap, so that a reader may copy one while
 * it is being replaced. A page moves from {@code active} to {@code applying} and leaves that only
 * when it stands in place: a reader that looks at active, then applying, then the media sees it at
 * one of the three.
 */
final class Stage {
  private final ReentrantLock swap = new ReentrantLock();
  private volatile ConcurrentHashMap<Long, byte[]> active = new ConcurrentHashMap<>();
  private volatile Map<Long, byte[]> applying = new ConcurrentHashMap<>();

  boolean isEmpty() {
    return active.isEmpty() && applying.isEmpty();
  }

  /** Pages waiting for the next batch. */
  int size() {
    return active.size();
  }

  byte @Nullable [] get(long page) {
    byte[] image = active.get(page);
    return image != null ? image : applying.get(page);
  }

  /** Stages a page; the caller never changes {@code image} again. */
  void put(long page, byte[] image) {
    if (image.length != Units.PAGE_BYTES) {
      throw new IllegalArgumentException("not a page: " + image.length + " bytes");
    }
    swap.lock();
    try {
      active.put(page, image);
    } finally {
      swap.unlock();
    }
  }

  /** Takes everything staged for applying, with what an earlier batch left; ascending. */
  NavigableMap<Long, byte[]> take() {
    swap.lock();
    try {
      ConcurrentHashMap<Long, byte[]> merged = new ConcurrentHashMap<>(applying);
      merged.putAll(active);
      applying = merged;
      active = new ConcurrentHashMap<>();
      return new TreeMap<>(merged);
    } finally {
      swap.unlock();
    }
  }

  /** A page of the batch stands in place now. */
  void applied(long page) {
    applying.remove(page);
  }
}
