package io.bezoar.pool;

import java.io.ByteArrayOutputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;

/**
 * A pool's config in bytes, little-endian and without gaps. It stands inside of a label, whose
 * checksum and version cover it.
 *
 * <pre>
 *  u64 generation, u32 next number, u16 number of devices
 *  for each device, by ascending number:
 *    u32 number, u32 number of the device it replaces + 1 (0: none), 16 bytes uuid (most significant
 *    half first), u64 size, u16 data columns, u16 parity columns, u8 use (1 member, 2 spare),
 *    u16 length of the path, the path in UTF-8
 *  the stack, from the top down; each layer begins with its kind, u8:
 *    1 mirror   16 bytes id, i64 data bytes (-1: all of the payload), u8 number of legs; for each leg
 *               u8 slot, then u8 1 and u32 number of a device, or u8 2 and a layer
 *    2 linear   u16 number of parts, the parts
 *    3 striped  u64 chunk bytes, u16 number of parts, the parts
 *    4 cached   16 bytes id, the fast layer, the origin
 * </pre>
 */
final class ConfigLayout {
  private static final int MIRROR = 1;
  private static final int LINEAR = 2;
  private static final int STRIPED = 3;
  private static final int CACHED = 4;

  private static final int LEG_DEVICE = 1;
  private static final int LEG_STACK = 2;

  private ConfigLayout() {}

  /** The bytes of {@code config}; as many as it takes. */
  static byte[] encode(PoolConfig config) {
    Writer writer = new Writer();
    writer.u64(config.generation());
    writer.u32(config.nextNumber());
    writer.u16(config.devices().size());
    for (DeviceEntry device : config.devices()) {
      writer.u32(device.number());
      writer.u32(device.replaces() + 1);
      writer.uuid(device.uuid());
      writer.u64(device.sizeBytes());
      writer.u16(device.redundancy().dataColumns());
      writer.u16(device.redundancy().parityColumns());
      writer.u8(device.use().code());
      byte[] path = device.path().getBytes(StandardCharsets.UTF_8);
      writer.u16(path.length);
      writer.bytes(path);
    }
    write(config.stack(), writer);
    return writer.toBytes();
  }

  private static void write(Stack stack, Writer writer) {
    switch (stack) {
      case Stack.Mirror mirror -> {
        writer.u8(MIRROR);
        writer.uuid(mirror.id());
        writer.u64(mirror.dataBytes());
        writer.u8(mirror.legs().size());
        for (Map.Entry<Integer, Stack.Leg> leg : mirror.legs().entrySet()) {
          writer.u8(leg.getKey());
          switch (leg.getValue()) {
            case Stack.Leg.OfDevice(int number) -> {
              writer.u8(LEG_DEVICE);
              writer.u32(number);
            }
            case Stack.Leg.OfStack(Stack below) -> {
              writer.u8(LEG_STACK);
              write(below, writer);
            }
          }
        }
      }
      case Stack.Linear linear -> {
        writer.u8(LINEAR);
        writer.u16(linear.parts().size());
        linear.parts().forEach(part -> write(part, writer));
      }
      case Stack.Striped striped -> {
        writer.u8(STRIPED);
        writer.u64(striped.chunkBytes());
        writer.u16(striped.parts().size());
        striped.parts().forEach(part -> write(part, writer));
      }
      case Stack.Cached cached -> {
        writer.u8(CACHED);
        writer.uuid(cached.id());
        write(cached.fast(), writer);
        write(cached.origin(), writer);
      }
    }
  }

  /**
   * Reads what {@link #encode} made.
   *
   * @throws IllegalArgumentException when it made nothing like this; no other exception is thrown,
   *     whatever the bytes are
   */
  static PoolConfig decode(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    try {
      long generation = in.getLong();
      int nextNumber = in.getInt();
      int count = u16(in);
      List<DeviceEntry> devices = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        devices.add(readDevice(in));
      }
      Stack stack = readStack(in, 1);
      if (in.hasRemaining()) {
        throw new IllegalArgumentException(in.remaining() + " bytes follow its config");
      }
      return new PoolConfig(generation, stack, devices, nextNumber);
    } catch (BufferUnderflowException e) {
      throw new IllegalArgumentException("its config is cut", e);
    }
  }

  private static DeviceEntry readDevice(ByteBuffer in) {
    int number = in.getInt();
    int replaces = in.getInt() - 1;
    UUID uuid = uuid(in);
    long sizeBytes = in.getLong();
    Redundancy redundancy = new Redundancy(u16(in), u16(in));
    DeviceEntry.Use use = DeviceEntry.Use.ofCode(u8(in));
    byte[] path = new byte[Math.min(u16(in), in.remaining() + 1)];
    in.get(path);
    return new DeviceEntry(number, uuid, text(path), sizeBytes, redundancy, use, replaces);
  }

  private static Stack readStack(ByteBuffer in, int depth) {
    if (depth > Stack.MAX_DEPTH) {
      throw new IllegalArgumentException("its stack has more than " + Stack.MAX_DEPTH + " levels");
    }
    int kind = u8(in);
    return switch (kind) {
      case MIRROR -> new Stack.Mirror(uuid(in), in.getLong(), readLegs(in, depth));
      case LINEAR -> new Stack.Linear(readParts(in, depth));
      case STRIPED -> new Stack.Striped(in.getLong(), readParts(in, depth));
      case CACHED -> new Stack.Cached(uuid(in), readStack(in, depth + 1), readStack(in, depth + 1));
      default -> throw new IllegalArgumentException("unknown kind of layer " + kind);
    };
  }

  private static SortedMap<Integer, Stack.Leg> readLegs(ByteBuffer in, int depth) {
    int count = u8(in);
    SortedMap<Integer, Stack.Leg> legs = new TreeMap<>();
    for (int i = 0; i < count; i++) {
      int slot = u8(in);
      int kind = u8(in);
      Stack.Leg leg =
          switch (kind) {
            case LEG_DEVICE -> new Stack.Leg.OfDevice(in.getInt());
            case LEG_STACK -> new Stack.Leg.OfStack(readStack(in, depth + 1));
            default -> throw new IllegalArgumentException("unknown kind of leg " + kind);
          };
      if (legs.put(slot, leg) != null) {
        throw new IllegalArgumentException("two legs in slot " + slot);
      }
    }
    return legs;
  }

  private static List<Stack> readParts(ByteBuffer in, int depth) {
    int count = u16(in);
    List<Stack> parts = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      parts.add(readStack(in, depth + 1));
    }
    return parts;
  }

  private static int u8(ByteBuffer in) {
    return in.get() & 0xFF;
  }

  private static int u16(ByteBuffer in) {
    return in.getShort() & 0xFFFF;
  }

  private static UUID uuid(ByteBuffer in) {
    return new UUID(in.getLong(), in.getLong());
  }

  private static String text(byte[] utf8) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(utf8)).toString();
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException("a path is not UTF-8", e);
    }
  }

  /** Collects bytes. */
  private static final class Writer {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    void u8(int value) {
      out.write(checked(value, 0xFF));
    }

    void u16(int value) {
      little(checked(value, 0xFFFF), Short.BYTES);
    }

    void u32(int value) {
      little(value, Integer.BYTES);
    }

    void u64(long value) {
      little(value, Long.BYTES);
    }

    void uuid(UUID uuid) {
      u64(uuid.getMostSignificantBits());
      u64(uuid.getLeastSignificantBits());
    }

    void bytes(byte[] bytes) {
      out.writeBytes(bytes);
    }

    byte[] toBytes() {
      return out.toByteArray();
    }

    private void little(long value, int bytes) {
      for (int i = 0; i < bytes; i++) {
        out.write((int) (value >>> (8 * i)));
      }
    }

    private static int checked(int value, int most) {
      if (value < 0 || value > most) {
        throw new IllegalArgumentException(value + " is more than the label can say: " + most);
      }
      return value;
    }
  }
}
