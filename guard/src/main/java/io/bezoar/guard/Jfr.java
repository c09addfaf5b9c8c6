package io.bezoar.guard;

import jdk.jfr.Category;
import jdk.jfr.DataAmount;
import jdk.jfr.Description;
import jdk.jfr.Event;
import jdk.jfr.Label;
import jdk.jfr.Name;
import jdk.jfr.StackTrace;

/** The guard's events in a flight recording. */
final class Jfr {
  private Jfr() {}

  @Name("io.bezoar.guard.Damaged")
  @Label("Bytes Lost")
  @Description("Bytes of a guarded file are lost")
  @Category("Bezoar")
  static final class DamagedEvent extends Event {
    @Label("File")
    String file = "";

    @Label("Offset")
    long offset;

    @Label("Length")
    @DataAmount
    long length;

    @Label("Cause")
    String cause = "";
  }

  @Name("io.bezoar.guard.Healed")
  @Label("Bytes Healed")
  @Description("Bytes of a guarded file were bad and are good again")
  @Category("Bezoar")
  static final class HealedEvent extends Event {
    @Label("File")
    String file = "";

    @Label("Offset")
    long offset;

    @Label("Length")
    @DataAmount
    long length;

    @Label("Source")
    String source = "";

    @Label("Place")
    String place = "";
  }

  @Name("io.bezoar.guard.Truncated")
  @Label("File Truncated")
  @Description("A guarded file became shorter while it was mapped")
  @Category("Bezoar")
  @StackTrace(false)
  static final class TruncatedEvent extends Event {
    @Label("File")
    String file = "";

    @Label("Size when Mapped")
    @DataAmount
    long sizeAtMap;
  }

  static void damaged(GuardEvent.Damaged damaged) {
    DamagedEvent event = new DamagedEvent();
    if (event.shouldCommit()) {
      event.file = damaged.file().toString();
      event.offset = damaged.range().start();
      event.length = damaged.range().length();
      event.cause = damaged.cause().name();
      event.commit();
    }
  }

  static void healed(GuardEvent.Healed healed) {
    HealedEvent event = new HealedEvent();
    if (event.shouldCommit()) {
      event.file = healed.file().toString();
      event.offset = healed.range().start();
      event.length = healed.range().length();
      event.source = healed.source().name();
      event.place = healed.place().name();
      event.commit();
    }
  }

  static void truncated(GuardEvent.Truncated cut) {
    TruncatedEvent event = new TruncatedEvent();
    if (event.shouldCommit()) {
      event.file = cut.file().toString();
      event.sizeAtMap = cut.sizeAtMapBytes();
      event.commit();
    }
  }
}
