package io.bezoar.lucene;

import io.bezoar.guard.Guard;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentMap;

/** The files of one directory that have open inputs. Thread-safe. */
final class OpenFiles {
  /** Those of all directories: a body may read several, and does not say which. */
  private static final Set<Guard> MAPPED = ConcurrentHashMap.newKeySet();

  private final ConcurrentMap<String, OpenFile> byName = new ConcurrentHashMap<>();

  /** A share in the mapping of a file, held by one opened input for itself and its clones. */
  final class Lease {
    private final OpenFile file;
    private final Guard guard;

    private Lease(OpenFile file, Guard guard) {
      this.file = file;
      this.guard = guard;
    }

    Guard guard() {
      return guard;
    }

    ReadAhead readAhead() {
      return file.readAhead();
    }

    /** Gives the share back; to be called once. */
    void close() throws IOException {
      if (file.release()) {
        MAPPED.remove(guard);
        byName.remove(file.name(), file);
      }
    }
  }

  /** A share in the mapping of the file with this name, which is mapped if it was not. */
  Lease acquire(String name, OpenFile.Mapper mapper) throws IOException {
    while (true) {
      OpenFile file = byName.computeIfAbsent(name, OpenFile::new);
      Guard guard;
      try {
        guard = file.acquire(mapper);
      } catch (IOException | RuntimeException | Error e) {
        byName.remove(name, file);
        throw e;
      }
      if (guard != null) {
        MAPPED.add(guard);
        return new Lease(file, guard);
      }
      byName.remove(name, file);
    }
  }

  /** The next input of this name is another file; inputs on the one before keep it. */
  void forget(String name) {
    byName.remove(name);
  }

  /** The mappings there are now, in every directory. */
  static List<Guard> mapped() {
    return List.copyOf(MAPPED);
  }

  /** The mappings there are now, in this directory, by the names of their files. */
  Map<String, Guard> guards() {
    Map<String, Guard> guards = new TreeMap<>();
    byName.forEach(
        (name, file) -> {
          Guard guard = file.guard();
          if (guard != null) {
            guards.put(name, guard);
          }
        });
    return guards;
  }
}
