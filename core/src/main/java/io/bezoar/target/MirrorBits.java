package io.bezoar.target;

import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/**
 * Write-intent bits as they were found on legs: the union of what each says. A word that none has
 * is taken for all ones. Immutable.
 */
final class MirrorBits {
  private final int[] words;

  /** A crash left bits on some of the legs only. */
  final boolean apart;

  private MirrorBits(int[] words, boolean apart) {
    this.words = words;
    this.apart = apart;
  }

  /** Reads them. */
  static MirrorBits on(List<MirrorLeg> legs, MirrorLayout layout) throws IOException {
    int[] union = new int[layout.words()];
    boolean[] sound = new boolean[layout.words()];
    int[] first = null;
    boolean apart = false;
    for (MirrorLeg leg : legs) {
      int[] here = new int[layout.words()];
      boolean[] soundHere = leg.loadWords(here);
      for (int i = 0; i < sound.length; i++) {
        sound[i] |= soundHere[i];
        union[i] |= here[i];
      }
      first = first == null ? here : first;
      apart |= !Arrays.equals(here, first);
    }
    for (int i = 0; i < sound.length; i++) {
      if (!sound[i]) {
        union[i] = -1;
      }
    }
    return new MirrorBits(union, apart);
  }

  int word(int index) {
    return words[index];
  }
}
