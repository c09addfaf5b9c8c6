package io.bezoar.dax;

/**
 * The one party that uses a device and must be told when part of it fails: a target, a filesystem,
 * a front end. Called on a notifier thread, in order of sequence numbers, with no lock of the
 * device held; a holder may call the device from inside the call.
 */
public interface Holder {
  /** Who this is, for messages: "volume bezoar.pool", say. */
  String holderName();

  /** Something of the device failed, was healed, or changed state. */
  void onNotice(DeviceNotice notice);
}
