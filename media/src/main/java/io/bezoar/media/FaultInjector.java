package io.bezoar.media;

import java.io.IOException;
import java.util.List;

/**
 * Makes media go bad on purpose, on every path: loads through mappings and windows, pread, probe,
 * recovery.
 *
 * <p>Faults that refuse ({@link FaultKind#refuses()}) are kept in a durable list and armed again
 * when the media is opened, until something cures them. The others change bytes of the media at
 * once, behind every cache of every layer above, and always to something different from what was
 * there. Thread-safe; may be called under load.
 */
public interface FaultInjector {

  /**
   * Strikes. Returns when the fault is in force, and, for kinds that refuse, recorded durably
   * <em>before</em> it is in force.
   *
   * @return the range really struck, in whole granules for kinds that refuse
   */
  ByteRange inject(FaultSpec fault) throws IOException;

  /** Faults in force that refuse to be read, ascending by start. */
  List<FaultSpec> armed();

  /** Cures every armed fault within {@code range} without changing bytes; for tests and drills. */
  void disarm(ByteRange range) throws IOException;
}
