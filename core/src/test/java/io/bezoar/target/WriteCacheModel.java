package io.bezoar.target;

import static org.assertj.core.api.Assertions.fail;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Contents that each page may have after a crash: the last durable one and all later ones. */
final class WriteCacheModel {
  private static final int PAGE = WriteCacheRig.PAGE;

  private final List<List<byte[]>> allowed = new ArrayList<>();
  private final List<List<byte[]>> history = new ArrayList<>();

  WriteCacheModel(long pages) {
    for (long i = 0; i < pages; i++) {
      allowed.add(new ArrayList<>(List.of(new byte[PAGE])));
      history.add(new ArrayList<>(allowed.getLast()));
    }
  }

  int pages() {
    return allowed.size();
  }

  byte[] latest(int page) {
    return allowed.get(page).getLast();
  }

  /** Before the write is tried: it may arrive in part, page by page. */
  void write(long offset, byte[] bytes) {
    for (int from = 0; from < bytes.length; ) {
      int page = (int) ((offset + from) / PAGE);
      int within = (int) ((offset + from) % PAGE);
      int n = Math.min(PAGE - within, bytes.length - from);
      byte[] next = latest(page).clone();
      System.arraycopy(bytes, from, next, within, n);
      allowed.get(page).add(next);
      history.get(page).add(next);
      from += n;
    }
  }

  /** Everything written so far is durable. */
  void persisted() {
    for (List<byte[]> versions : allowed) {
      byte[] last = versions.getLast();
      versions.clear();
      versions.add(last);
    }
  }

  /**
   * The page was found to hold {@code found}, which must be allowed, and is durable from now on.
   */
  void settle(int page, byte[] found, String what) {
    List<byte[]> versions = allowed.get(page);
    if (versions.stream().noneMatch(version -> Arrays.equals(version, found))) {
      int old = history.get(page).size();
      while (--old >= 0 && !Arrays.equals(history.get(page).get(old), found)) {}
      fail(
          "%s: page %d holds none of %d allowed contents, but number %d of all that it had (%d)",
          what, page, versions.size(), old, history.get(page).size());
    }
    versions.clear();
    versions.add(found);
  }
}
