package io.bezoar.bench;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.SplittableRandom;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;

/** Text to be searched: the sources of this JDK, or made up where it came without them. */
final class SearchCorpus {
  private static final int BYTES_MAX = 16_000;
  private static final int WORDS = 400;
  private static final int VOCABULARY = 30_000;

  private SearchCorpus() {}

  /** A text and what it is called. */
  record Text(String name, String body) {}

  /** So many texts at most, the same ones each time. */
  static List<Text> read(int most) throws IOException {
    Path sources = Path.of(System.getProperty("java.home"), "lib", "src.zip");
    return Files.isReadable(sources) ? ofZip(sources, most) : madeUp(most);
  }

  private static List<Text> ofZip(Path sources, int most) throws IOException {
    List<Text> texts = new ArrayList<>();
    try (ZipFile zip = new ZipFile(sources.toFile())) {
      List<ZipEntry> entries = new ArrayList<>();
      zip.stream().filter(entry -> entry.getName().endsWith(".java")).forEach(entries::add);
      entries.sort(Comparator.comparing(ZipEntry::getName));
      int step = Math.max(1, entries.size() / most);
      for (int i = 0; i < entries.size() && texts.size() < most; i += step) {
        try (InputStream in = zip.getInputStream(entries.get(i))) {
          String body = new String(in.readNBytes(BYTES_MAX), StandardCharsets.ISO_8859_1);
          texts.add(new Text(entries.get(i).getName(), body));
        }
      }
    }
    return texts;
  }

  /** Few words often, most of them seldom, as in any language; those of the queries among them. */
  private static List<Text> madeUp(int count) {
    String[] known = {"string", "return", "class", "public", "static", "final", "buffer", "socket"};
    SplittableRandom random = new SplittableRandom(17);
    List<Text> texts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      StringBuilder body = new StringBuilder();
      for (int word = 0; word < WORDS; word++) {
        int rank = (int) (Math.pow(random.nextDouble(), 4) * VOCABULARY);
        body.append(rank < known.length ? known[rank] : "word" + rank);
        body.append(word % 10 == 9 ? '\n' : ' ');
      }
      texts.add(new Text("text" + i, body.toString()));
    }
    return texts;
  }
}
