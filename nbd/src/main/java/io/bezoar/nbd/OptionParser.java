package io.bezoar.nbd;

import static io.bezoar.nbd.NbdLayout.OPT_ABORT;
import static io.bezoar.nbd.NbdLayout.OPT_EXPORT_NAME;
import static io.bezoar.nbd.NbdLayout.OPT_GO;
import static io.bezoar.nbd.NbdLayout.OPT_INFO;
import static io.bezoar.nbd.NbdLayout.OPT_LIST;
import static io.bezoar.nbd.NbdLayout.OPT_LIST_META_CONTEXT;
import static io.bezoar.nbd.NbdLayout.OPT_SET_META_CONTEXT;
import static io.bezoar.nbd.NbdLayout.OPT_STRUCTURED_REPLY;

import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Turns bytes into options of the handshake; pure, so that it can be fuzzed. */
final class OptionParser {

  /**
   * The head of an option: what it is, and how many bytes of data follow.
   *
   * @param code the option; any 32-bit number
   * @param lengthBytes 0 to 2^32 - 1
   */
  record Head(int code, long lengthBytes) {}

  /** Contexts that one option may ask for; more than exist. */
  private static final int MAX_QUERIES = 64;

  /** Data that does not fit its option. */
  private static final class BadData extends Exception {
    private static final long serialVersionUID = 1L;

    BadData(String why) {
      super(why);
    }
  }

  private OptionParser() {}

  /**
   * Takes the head of an option off {@code in}, which holds at least {@link
   * NbdLayout#OPTION_HEADER_BYTES} bytes.
   *
   * @throws ProtocolViolation when it is not the start of an option
   */
  static Head parseHead(ByteBuffer in) throws ProtocolViolation {
    long magic = in.getLong();
    if (magic != NbdLayout.OPTION_MAGIC) {
      throw new ProtocolViolation("not an option: magic 0x" + Long.toHexString(magic));
    }
    int code = in.getInt();
    return new Head(code, Integer.toUnsignedLong(in.getInt()));
  }

  /** Understands option {@code code} with {@code data}, position to limit. Never throws. */
  static ClientOption parse(int code, ByteBuffer data) {
    try {
      return switch (code) {
        case OPT_EXPORT_NAME -> new ClientOption.ExportName(string(data, data.remaining()));
        case OPT_ABORT -> new ClientOption.Abort();
        case OPT_LIST -> nothingIn(data, new ClientOption.ListExports());
        case OPT_STRUCTURED_REPLY -> nothingIn(data, new ClientOption.StructuredReply());
        case OPT_INFO, OPT_GO -> describe(code, data);
        case OPT_LIST_META_CONTEXT, OPT_SET_META_CONTEXT -> metaContexts(code, data);
        default -> new ClientOption.Unsupported(code);
      };
    } catch (BadData bad) {
      return new ClientOption.Malformed(code, String.valueOf(bad.getMessage()));
    }
  }

  private static ClientOption nothingIn(ByteBuffer data, ClientOption option) throws BadData {
    if (data.hasRemaining()) {
      throw new BadData("this option has no data, but " + data.remaining() + " bytes came");
    }
    return option;
  }

  private static ClientOption describe(int code, ByteBuffer data) throws BadData {
    String name = string(data, number(data));
    int count = Short.toUnsignedInt(need(data, Short.BYTES).getShort());
    List<Integer> wanted = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      wanted.add(Short.toUnsignedInt(need(data, Short.BYTES).getShort()));
    }
    return nothingIn(data, new ClientOption.Describe(code, name, wanted));
  }

  private static ClientOption metaContexts(int code, ByteBuffer data) throws BadData {
    String name = string(data, number(data));
    long count = number(data);
    if (count > MAX_QUERIES) {
      throw new BadData(count + " queries; at most " + MAX_QUERIES + " are answered");
    }
    List<String> queries = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      queries.add(string(data, number(data)));
    }
    return nothingIn(data, new ClientOption.MetaContexts(code, name, queries));
  }

  private static long number(ByteBuffer data) throws BadData {
    return Integer.toUnsignedLong(need(data, Integer.BYTES).getInt());
  }

  private static String string(ByteBuffer data, long lengthBytes) throws BadData {
    if (lengthBytes > NbdLayout.MAX_STRING_BYTES) {
      throw new BadData("a string of " + lengthBytes + " bytes");
    }
    int length = (int) lengthBytes;
    ByteBuffer bytes = need(data, length).slice().limit(length);
    data.position(data.position() + length);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException notUtf8) {
      throw new BadData("a string that is not UTF-8");
    }
  }

  private static ByteBuffer need(ByteBuffer data, int lengthBytes) throws BadData {
    if (data.remaining() < lengthBytes) {
      throw new BadData("the data ends " + (lengthBytes - data.remaining()) + " bytes too early");
    }
    return data;
  }
}
