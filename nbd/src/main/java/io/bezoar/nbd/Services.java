package io.bezoar.nbd;

import io.bezoar.dax.DeviceInfo;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** What all connections of one server share. Thread-safe. */
final class Services implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(NbdServer.class.getName());

  private final NbdExport export;
  private final DeviceInfo info;
  private final Volume volume;
  private final BlockStatus blockStatus;
  private final BufferPool buffers;
  private final ExecutorService workers;
  private final Persister persister;
  private final Counters counters = new Counters();
  private final Pace readPace = new Pace();
  private final Pace writePace = new Pace();
  private volatile boolean stopping;

  Services(NbdExport export, NbdOptions options, BufferPool.StallBreaker breaker) {
    this.export = export;
    this.info = export.device().info();
    this.volume = new Volume(export.device());
    this.blockStatus = new BlockStatus(export.health());
    this.buffers =
        new BufferPool(
            options.connectionBytes(), options.totalBytes(), options.stallTime(), breaker);
    this.workers =
        Executors.newFixedThreadPool(
            options.workers(), Thread.ofPlatform().daemon().name("nbd-worker-", 1).factory());
    this.persister = new Persister(volume, "nbd-persister");
  }

  NbdExport export() {
    return export;
  }

  NbdExport.Mode mode() {
    return export.mode();
  }

  long sizeBytes() {
    return info.sizeBytes();
  }

  /** Whether accesses may wait for a disk. */
  boolean blocking() {
    return info.blocking();
  }

  /** Whether a persist is so cheap that nobody minds waiting for it. */
  boolean persistCheap() {
    return info.persistCheap();
  }

  Volume volume() {
    return volume;
  }

  BlockStatus blockStatus() {
    return blockStatus;
  }

  BufferPool buffers() {
    return buffers;
  }

  ExecutorService workers() {
    return workers;
  }

  Persister persister() {
    return persister;
  }

  Counters counters() {
    return counters;
  }

  Pace readPace() {
    return readPace;
  }

  Pace writePace() {
    return writePace;
  }

  /** Whether new requests are to be refused. */
  boolean isStopping() {
    return stopping;
  }

  void stop() {
    stopping = true;
  }

  /** Ends the threads once what was handed to them is done; does not wait. */
  @Override
  public void close() {
    workers.shutdown();
    persister.close();
    buffers.trim();
  }

  void log(String what, Throwable failed) {
    LOG.log(System.Logger.Level.ERROR, what, failed);
  }
}
