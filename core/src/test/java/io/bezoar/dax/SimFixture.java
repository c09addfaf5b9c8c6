package io.bezoar.dax;

import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.media.FaultSpec;
import io.bezoar.media.Media;
import io.bezoar.media.Presence;
import io.bezoar.media.SimMedia;
import java.io.IOException;
import java.time.Instant;

/** A device straight on a simulation, whose bytes are the device's bytes. */
final class SimFixture implements DaxDeviceContractTest.Fixture {
  /** Opens a device on media. */
  interface Opener {
    DaxDevice open(Media media, NoticeDispatcher dispatcher) throws IOException;
  }

  private final Opener opener;
  private final ByteRange usable;
  private SimMedia media;
  private NoticeDispatcher dispatcher;
  private DaxDevice device;

  SimFixture(SimMedia media, ByteRange usable, Opener opener) throws IOException {
    this.media = media;
    this.usable = usable;
    this.opener = opener;
    openDevice();
  }

  private void openDevice() throws IOException {
    dispatcher = new NoticeDispatcher(media.info().name(), () -> Instant.EPOCH, task -> {});
    device = opener.open(media, dispatcher);
  }

  SimMedia media() {
    return media;
  }

  @Override
  public DaxDevice device() {
    return device;
  }

  @Override
  public ByteRange usable() {
    return usable;
  }

  @Override
  public void strike(ByteRange range) throws IOException {
    media.injector().inject(FaultSpec.of(FaultKind.POISON, range, 1));
  }

  @Override
  public void lose(ByteRange range) throws IOException {
    strike(range);
  }

  @Override
  public void loseForGood(ByteRange range) throws IOException {
    media.injector().inject(new FaultSpec(FaultKind.POISON, range, true, 1));
  }

  @Override
  public void failNextPersist() {
    media.failNextPersist();
  }

  @Override
  public void vanish() {
    media.setPresence(Presence.GONE);
  }

  @Override
  public void crash() throws IOException {
    media = media.crash(line -> false);
    openDevice();
  }

  @Override
  public void reopen() throws IOException {
    device.close();
    media = media.reopen();
    openDevice();
  }

  @Override
  public void deliverNotices() {
    dispatcher.drain();
  }
}
