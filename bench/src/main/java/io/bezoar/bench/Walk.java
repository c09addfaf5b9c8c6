package io.bezoar.bench;

import java.util.SplittableRandom;

/**
 * Visits every place once, in random order, and then again: a place is met next when everything
 * else has been, so that no cache still holds it. Contenders that share a walk never meet each
 * other's places.
 */
final class Walk {
  private final int[] order;
  private int at;

  Walk(int places, long seed) {
    order = new int[places];
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < places; i++) {
      int j = random.nextInt(i + 1);
      order[i] = order[j];
      order[j] = i;
    }
  }

  int next() {
    int place = order[at];
    at = at + 1 == order.length ? 0 : at + 1;
    return place;
  }

  int places() {
    return order.length;
  }
}
