package io.bezoar.nio;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What a process on this host gives to files that it makes: its user, its group, and the permission
 * bits that it does not give.
 *
 * @param uid user
 * @param gid group
 * @param umask permission bits that new files do not get
 */
record Host(int uid, int gid, int umask) {
  private static final System.Logger LOG = System.getLogger(Host.class.getName());
  private static final Host NOBODY_SAYS = new Host(0, 0, 022);

  /** As it was when somebody first asked; the JVM never changes it. */
  static final Host NOW = read();

  private static Host read() {
    try {
      Path self = Path.of("/proc/self");
      int uid = (Integer) Files.getAttribute(self, "unix:uid");
      int gid = (Integer) Files.getAttribute(self, "unix:gid");
      for (String line : Files.readAllLines(self.resolve("status"))) {
        if (line.startsWith("Umask:")) {
          return new Host(uid, gid, Integer.parseInt(line.substring(6).strip(), 8));
        }
      }
      return new Host(uid, gid, NOBODY_SAYS.umask);
    } catch (IOException | RuntimeException e) {
      LOG.log(
          System.Logger.Level.DEBUG, "the process's user is not known: new files are root's", e);
      return NOBODY_SAYS;
    }
  }
}
