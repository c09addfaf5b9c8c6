package io.bezoar.nio;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

/** Many threads at once, with what each of them knows to be true. */
abstract class ConcurrencyContract extends ProviderContract {
  private static final long SEED = Long.getLong("bezoar.seed", System.nanoTime());
  private static final int THREADS = 4;
  private static final int STEPS = 400;
  private static final int TOKENS = 40;
  private static final int FOLDERS = 5;

  private String replay() {
    return "replay: mvn -pl core -am test -Dtest="
        + getClass().getSimpleName()
        + " -Dbezoar.seed="
        + SEED;
  }

  private interface Body {
    void run(int thread, Random random) throws IOException;
  }

  private void run(Body body) throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
      List<Callable<Boolean>> all = new ArrayList<>();
      for (int t = 0; t < THREADS; t++) {
        int thread = t;
        all.add(
            () -> {
              body.run(thread, new Random(SEED + thread));
              return true;
            });
      }
      for (Future<Boolean> each : threads.invokeAll(all)) {
        try {
          each.get();
        } catch (java.util.concurrent.ExecutionException e) {
          throw new AssertionError(replay(), e.getCause());
        }
      }
    }
  }

  /** Each thread has a directory of its own, and remembers what is in it. */
  @Test
  void shouldKeepToWhatEachThreadRemembers() throws Exception {
    run(
        (thread, random) -> {
          Path own = directory("own" + thread);
          Map<String, byte[]> model = new HashMap<>();
          for (int step = 0; step < STEPS; step++) {
            ownStep(own, model, random);
          }
          assertThat(list(own)).containsExactlyElementsOf(new TreeSet<>(model.keySet()));
          for (Map.Entry<String, byte[]> entry : model.entrySet()) {
            assertThat(Files.readAllBytes(own.resolve(entry.getKey()))).isEqualTo(entry.getValue());
          }
        });
  }

  private static void ownStep(Path own, Map<String, byte[]> model, Random random)
      throws IOException {
    String name = "f" + random.nextInt(12);
    Path file = own.resolve(name);
    byte[] before = model.get(name);
    switch (random.nextInt(7)) {
      case 0 -> {
        byte[] content = new byte[random.nextInt(20_000)];
        random.nextBytes(content);
        Files.write(file, content);
        model.put(name, content);
      }
      case 1 -> {
        assertThat(Files.deleteIfExists(file)).isEqualTo(before != null);
        model.remove(name);
      }
      case 2 -> {
        byte[] more = new byte[random.nextInt(5000)];
        random.nextBytes(more);
        Files.write(file, more, StandardOpenOption.CREATE, StandardOpenOption.APPEND);
        byte[] old = before == null ? new byte[0] : before;
        byte[] after = Arrays.copyOf(old, old.length + more.length);
        System.arraycopy(more, 0, after, old.length, more.length);
        model.put(name, after);
      }
      case 3 -> {
        if (before != null) {
          String other = "f" + random.nextInt(12);
          Files.move(file, own.resolve(other), StandardCopyOption.REPLACE_EXISTING);
          model.remove(name);
          model.put(other, before);
        }
      }
      case 4 -> {
        if (before != null) {
          String other = "f" + random.nextInt(12);
          Files.copy(file, own.resolve(other), StandardCopyOption.REPLACE_EXISTING);
          model.put(other, before);
        }
      }
      case 5 -> {
        if (before != null) {
          try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            int size = random.nextInt(before.length + 1);
            channel.truncate(size);
            model.put(name, Arrays.copyOf(before, size));
          }
        }
      }
      default -> {
        BasicFileAttributes attributes =
            Files.exists(file) ? Files.readAttributes(file, BasicFileAttributes.class) : null;
        assertThat(attributes == null ? -1 : attributes.size())
            .isEqualTo(before == null ? -1 : before.length);
      }
    }
  }

  /** Threads move files about; none is lost, none is doubled, and each stays what it is. */
  @Test
  void shouldLoseNothingThatIsMovedAbout() throws Exception {
    for (int i = 0; i < FOLDERS; i++) {
      directory("d" + i);
    }
    for (int i = 0; i < TOKENS; i++) {
      file("d0/token" + i, "token" + i);
    }
    run(
        (_, random) -> {
          for (int step = 0; step < STEPS; step++) {
            String token = "token" + random.nextInt(TOKENS);
            Path from = path("d" + random.nextInt(FOLDERS)).resolve(token);
            Path to = path("d" + random.nextInt(FOLDERS)).resolve(token);
            try {
              if (random.nextInt(4) == 0) {
                assertThat(Files.readString(from)).isEqualTo(token);
              } else if (!from.equals(to)) {
                Files.move(from, to);
              }
            } catch (NoSuchFileException | FileAlreadyExistsException elsewhere) {
              // Somebody else has moved it.
              assertThat(elsewhere.getFile()).endsWith(token);
            }
          }
        });
    List<String> found = new ArrayList<>();
    for (int i = 0; i < FOLDERS; i++) {
      try (DirectoryStream<Path> entries = Files.newDirectoryStream(path("d" + i))) {
        for (Path entry : entries) {
          assertThat(Files.readString(entry)).isEqualTo(String.valueOf(entry.getFileName()));
          found.add(String.valueOf(entry.getFileName()));
        }
      }
    }
    assertThat(found).as(replay()).hasSize(TOKENS).doesNotHaveDuplicates();
  }

  /** Readers of a file that is replaced all the time see a whole one. */
  @Test
  void shouldReplaceWholeFiles() throws Exception {
    Path file = file("shared", "0".repeat(5000));
    run(
        (thread, random) -> {
          for (int step = 0; step < STEPS / 2; step++) {
            if (thread % 2 == 0) {
              Path mine =
                  file("new" + thread, ("" + random.nextInt(10)).repeat(1 + random.nextInt(9000)));
              Files.move(
                  mine, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            } else {
              String content = Files.readString(file);
              assertThat(content).isNotEmpty();
              assertThat(content.chars().distinct().count()).isEqualTo(1);
            }
          }
        });
  }

  /** Positions are used by one thread at a time. */
  @Test
  void shouldShareAChannel() throws Exception {
    Path file = path("shared");
    int recordBytes = 100;
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      run(
          (thread, _) -> {
            byte[] bytes = new byte[recordBytes];
            Arrays.fill(bytes, (byte) (thread + 1));
            for (int step = 0; step < STEPS; step++) {
              assertThat(channel.write(ByteBuffer.wrap(bytes))).isEqualTo(recordBytes);
            }
          });
    }
    byte[] all = Files.readAllBytes(file);
    assertThat(all).hasSize(THREADS * STEPS * recordBytes);
    int[] counts = new int[THREADS + 1];
    for (int at = 0; at < all.length; at += recordBytes) {
      byte first = all[at];
      counts[first]++;
      for (int i = 1; i < recordBytes; i++) {
        assertThat(all[at + i] == first).isTrue();
      }
    }
    for (int t = 1; t <= THREADS; t++) {
      assertThat(counts[t]).isEqualTo(STEPS);
    }
  }
}
