package io.bezoar.nbd;

import static io.bezoar.nbd.NbdLayout.OPT_GO;
import static io.bezoar.nbd.NbdLayout.OPT_SET_META_CONTEXT;
import static io.bezoar.nbd.NbdLayout.REP_ACK;
import static io.bezoar.nbd.NbdLayout.REP_ERR_INVALID;
import static io.bezoar.nbd.NbdLayout.REP_ERR_UNKNOWN;
import static io.bezoar.nbd.NbdLayout.REP_ERR_UNSUP;
import static io.bezoar.nbd.NbdLayout.REP_INFO;
import static io.bezoar.nbd.NbdLayout.REP_META_CONTEXT;
import static io.bezoar.nbd.NbdLayout.REP_SERVER;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;

/**
 * The handshake of one connection without its socket: answers options one by one and remembers what
 * was agreed. Not thread-safe.
 */
final class Negotiator {

  /** What to do when the answer has been sent. */
  enum Next {
    /** Read another option. */
    HAGGLE,
    /** Read requests. */
    TRANSMIT,
    /** Close the connection: the client said so, or cannot be told what is wrong. */
    CLOSE
  }

  /** Answers to one option never take more: two strings, some numbers, one message. */
  static final int MAX_ANSWER_BYTES = 16 << 10;

  private final NbdExport export;
  private final int clientFlags;
  private ReplyStyle style = ReplyStyle.SIMPLE;
  private List<MetaContext> contexts = List.of();

  private Negotiator(NbdExport export, int clientFlags) {
    this.export = export;
    this.clientFlags = clientFlags;
  }

  /**
   * Starts with what the client answered to the greeting.
   *
   * @throws ProtocolViolation when it wants something that was not offered
   */
  static Negotiator start(NbdExport export, int clientFlags) throws ProtocolViolation {
    if ((clientFlags & ~(NbdLayout.FLAG_FIXED_NEWSTYLE | NbdLayout.FLAG_NO_ZEROES)) != 0) {
      throw new ProtocolViolation(
          "client flags 0x" + Integer.toHexString(clientFlags) + " were not offered");
    }
    return new Negotiator(export, clientFlags);
  }

  /** What has been agreed so far. */
  Session session() {
    return new Session(style, contexts);
  }

  /** Answers {@code option} into {@code out}. */
  Next answer(ClientOption option, ByteBuffer out) {
    return switch (option) {
      case ClientOption.ExportName(String name) -> exportName(name, out);
      case ClientOption.Abort abort -> ack(abort, out, Next.CLOSE);
      case ClientOption.ListExports list -> listExports(list, out);
      case ClientOption.Describe describe -> describe(describe, out);
      case ClientOption.StructuredReply structured -> {
        style = ReplyStyle.STRUCTURED;
        yield ack(structured, out, Next.HAGGLE);
      }
      case ClientOption.MetaContexts meta -> metaContexts(meta, out);
      case ClientOption.Unsupported(int code) ->
          refuse(code, REP_ERR_UNSUP, "this server does not have option " + code, out);
      case ClientOption.Malformed(int code, String why) -> malformed(code, why, out);
    };
  }

  /** The data of option {@code code} was too long to be looked at. */
  Next answerTooBig(int code, ByteBuffer out) {
    return code == NbdLayout.OPT_EXPORT_NAME
        ? Next.CLOSE
        : refuse(code, NbdLayout.REP_ERR_TOO_BIG, "too much data for an option", out);
  }

  private Next malformed(int code, String why, ByteBuffer out) {
    if (code == OPT_SET_META_CONTEXT) {
      contexts = List.of();
    }
    return code == NbdLayout.OPT_EXPORT_NAME ? Next.CLOSE : refuse(code, REP_ERR_INVALID, why, out);
  }

  private Next exportName(String name, ByteBuffer out) {
    if (!name.equals(export.name())) {
      return Next.CLOSE;
    }
    out.putLong(export.device().sizeBytes()).putShort((short) exportFlags());
    if ((clientFlags & NbdLayout.FLAG_NO_ZEROES) == 0) {
      out.put(new byte[NbdLayout.EXPORT_NAME_PADDING_BYTES]);
    }
    return Next.TRANSMIT;
  }

  private Next listExports(ClientOption option, ByteBuffer out) {
    byte[] name = utf8(export.name());
    byte[] description = utf8(export.description());
    int lengthBytes = Integer.BYTES + name.length + description.length;
    NbdLayout.putOptionReply(out, option.code(), REP_SERVER, lengthBytes);
    out.putInt(name.length).put(name).put(description);
    return ack(option, out, Next.HAGGLE);
  }

  private Next describe(ClientOption.Describe option, ByteBuffer out) {
    if (!option.name().equals(export.name())) {
      return refuse(option.code(), REP_ERR_UNKNOWN, noSuchExport(option.name()), out);
    }
    NbdLayout.putOptionReply(out, option.code(), REP_INFO, 12);
    out.putShort((short) NbdLayout.INFO_EXPORT)
        .putLong(export.device().sizeBytes())
        .putShort((short) exportFlags());
    for (int wanted : new LinkedHashSet<>(option.wanted())) {
      switch (wanted) {
        case NbdLayout.INFO_NAME -> putText(option, wanted, export.name(), out);
        case NbdLayout.INFO_DESCRIPTION -> putText(option, wanted, export.description(), out);
        case NbdLayout.INFO_BLOCK_SIZE -> putBlockSizes(option, out);
        default -> {} // INFO_EXPORT was sent; others are to be ignored
      }
    }
    return ack(option, out, option.code() == OPT_GO ? Next.TRANSMIT : Next.HAGGLE);
  }

  private static void putText(ClientOption option, int info, String text, ByteBuffer out) {
    byte[] bytes = utf8(text);
    NbdLayout.putOptionReply(out, option.code(), REP_INFO, Short.BYTES + bytes.length);
    out.putShort((short) info).put(bytes);
  }

  private static void putBlockSizes(ClientOption option, ByteBuffer out) {
    NbdLayout.putOptionReply(out, option.code(), REP_INFO, 14);
    out.putShort((short) NbdLayout.INFO_BLOCK_SIZE)
        .putInt(NbdLayout.MIN_BLOCK_BYTES)
        .putInt(NbdLayout.PREFERRED_BLOCK_BYTES)
        .putInt(NbdLayout.MAX_BLOCK_BYTES);
  }

  private Next metaContexts(ClientOption.MetaContexts option, ByteBuffer out) {
    boolean selects = option.code() == OPT_SET_META_CONTEXT;
    if (selects) {
      contexts = List.of();
    }
    if (style != ReplyStyle.STRUCTURED) {
      return refuse(
          option.code(), REP_ERR_INVALID, "metadata needs structured replies: ask first", out);
    }
    if (!option.name().equals(export.name())) {
      return refuse(option.code(), REP_ERR_UNKNOWN, noSuchExport(option.name()), out);
    }
    List<MetaContext> matching = new ArrayList<>();
    for (MetaContext context : MetaContext.values()) {
      boolean matches =
          selects
              ? option.queries().stream().anyMatch(context::isSelectedBy)
              : option.queries().isEmpty()
                  || option.queries().stream().anyMatch(context::isListedBy);
      if (matches) {
        matching.add(context);
        byte[] name = utf8(context.fullName());
        NbdLayout.putOptionReply(out, option.code(), REP_META_CONTEXT, Integer.BYTES + name.length);
        out.putInt(selects ? context.id() : 0).put(name);
      }
    }
    if (selects) {
      contexts = matching;
    }
    return ack(option, out, Next.HAGGLE);
  }

  /** What the export can do. FAST_ZERO is offered so that its quick refusal can be relied on. */
  private int exportFlags() {
    int flags =
        NbdLayout.EXPORT_HAS_FLAGS
            | NbdLayout.EXPORT_SEND_FLUSH
            | NbdLayout.EXPORT_SEND_FUA
            | NbdLayout.EXPORT_CAN_MULTI_CONN;
    if (style == ReplyStyle.STRUCTURED) {
      flags |= NbdLayout.EXPORT_SEND_DF;
    }
    return switch (export.mode()) {
      case READ_ONLY -> flags | NbdLayout.EXPORT_READ_ONLY;
      case READ_WRITE ->
          flags
              | NbdLayout.EXPORT_SEND_TRIM
              | NbdLayout.EXPORT_SEND_WRITE_ZEROES
              | NbdLayout.EXPORT_SEND_FAST_ZERO;
    };
  }

  private static Next ack(ClientOption option, ByteBuffer out, Next next) {
    NbdLayout.putOptionReply(out, option.code(), REP_ACK, 0);
    return next;
  }

  private static Next refuse(int code, int reply, String why, ByteBuffer out) {
    byte[] message = utf8(why);
    NbdLayout.putOptionReply(out, code, reply, message.length);
    out.put(message);
    return Next.HAGGLE;
  }

  private String noSuchExport(String name) {
    String shown = name.length() > 64 ? name.substring(0, 64) + "..." : name;
    return "no export \"" + shown + "\" here; there is \"" + export.name() + "\"";
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
