package io.bezoar.nbd;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Random;

/** What clients that know the protocol might say: the starting point of fuzzing. */
final class Conversations {
  private Conversations() {}

  /** The answer to the greeting, some options, and mostly a way into transmission. */
  static byte[] handshake(Random random) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    bytes.writeBytes(ByteBuffer.allocate(4).putInt(random.nextInt(4)).array());
    int options = random.nextInt(6);
    for (int i = 0; i < options; i++) {
      bytes.writeBytes(option(random));
    }
    return bytes.toByteArray();
  }

  private static byte[] option(Random random) {
    String name = random.nextInt(8) == 0 ? "other" : "";
    return switch (random.nextInt(9)) {
      case 0 ->
          TestClient.optionBytes(NbdLayout.OPT_EXPORT_NAME, name.getBytes(StandardCharsets.UTF_8));
      case 1 -> TestClient.optionBytes(NbdLayout.OPT_LIST, new byte[random.nextInt(2)]);
      case 2 -> TestClient.optionBytes(NbdLayout.OPT_INFO, TestClient.describe(name, 0, 1, 2, 3));
      case 3 -> TestClient.optionBytes(NbdLayout.OPT_GO, TestClient.describe(name, 3));
      case 4, 5 -> TestClient.optionBytes(NbdLayout.OPT_STRUCTURED_REPLY, new byte[0]);
      case 6 ->
          TestClient.optionBytes(
              NbdLayout.OPT_LIST_META_CONTEXT, TestClient.metaQuery(name, "bezoar:"));
      case 7 ->
          TestClient.optionBytes(
              NbdLayout.OPT_SET_META_CONTEXT,
              TestClient.metaQuery(name, "bezoar:poison", "base:allocation"));
      default -> TestClient.optionBytes(random.nextInt(20), new byte[random.nextInt(100)]);
    };
  }

  /** Some requests, most of them sensible for a volume of 64 KiB. */
  static byte[] transmission(Random random) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int requests = random.nextInt(12);
    for (int i = 0; i < requests; i++) {
      int type = random.nextInt(10) == 0 ? random.nextInt(20) : random.nextInt(8);
      int flags = random.nextInt(3) == 0 ? 1 << random.nextInt(6) : 0;
      long offset = random.nextInt(70_000) & (random.nextBoolean() ? -1 : -4096);
      int length = random.nextInt(random.nextInt(5) == 0 ? 70_000 : 9000);
      bytes.writeBytes(TestClient.requestBytes(flags, type, random.nextInt(4), offset, length));
      if (type == NbdLayout.CMD_WRITE) {
        byte[] payload = new byte[length];
        random.nextBytes(payload);
        bytes.writeBytes(payload);
      }
    }
    return bytes.toByteArray();
  }
}
