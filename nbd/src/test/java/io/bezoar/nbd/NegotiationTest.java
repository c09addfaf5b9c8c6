package io.bezoar.nbd;

import static io.bezoar.nbd.NbdLayout.OPT_ABORT;
import static io.bezoar.nbd.NbdLayout.OPT_EXPORT_NAME;
import static io.bezoar.nbd.NbdLayout.OPT_GO;
import static io.bezoar.nbd.NbdLayout.OPT_INFO;
import static io.bezoar.nbd.NbdLayout.OPT_LIST;
import static io.bezoar.nbd.NbdLayout.OPT_LIST_META_CONTEXT;
import static io.bezoar.nbd.NbdLayout.OPT_SET_META_CONTEXT;
import static io.bezoar.nbd.NbdLayout.OPT_STARTTLS;
import static io.bezoar.nbd.NbdLayout.OPT_STRUCTURED_REPLY;
import static io.bezoar.nbd.NbdLayout.REP_ACK;
import static io.bezoar.nbd.NbdLayout.REP_ERR_INVALID;
import static io.bezoar.nbd.NbdLayout.REP_ERR_TOO_BIG;
import static io.bezoar.nbd.NbdLayout.REP_ERR_UNKNOWN;
import static io.bezoar.nbd.NbdLayout.REP_ERR_UNSUP;
import static io.bezoar.nbd.NbdLayout.REP_INFO;
import static io.bezoar.nbd.NbdLayout.REP_META_CONTEXT;
import static io.bezoar.nbd.NbdLayout.REP_SERVER;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The handshake, without a socket. */
class NegotiationTest {
  private static final NbdExport EXPORT = export(NbdExport.Mode.READ_WRITE);
  private static final byte[] NOTHING = {};

  private final Negotiator negotiator = start(EXPORT, 3);
  private final ByteBuffer out = ByteBuffer.allocate(Negotiator.MAX_ANSWER_BYTES);

  private static NbdExport export(NbdExport.Mode mode) {
    return new NbdExport("", "a disk", MemoryDevice.fast(1 << 20), mode, range -> List.of());
  }

  private static Negotiator start(NbdExport export, int flags) {
    try {
      return Negotiator.start(export, flags);
    } catch (ProtocolViolation violation) {
      throw new AssertionError(violation);
    }
  }

  private Negotiator.Next say(int option, byte[] data) {
    out.clear();
    return negotiator.answer(OptionParser.parse(option, ByteBuffer.wrap(data)), out);
  }

  private record Answer(int type, ByteBuffer data) {
    String text() {
      return StandardCharsets.UTF_8.decode(data.duplicate()).toString();
    }
  }

  private List<Answer> answers(int option) {
    ByteBuffer in = out.duplicate().flip();
    List<Answer> answers = new ArrayList<>();
    while (in.hasRemaining()) {
      assertThat(in.getLong()).isEqualTo(NbdLayout.OPTION_REPLY_MAGIC);
      assertThat(in.getInt()).isEqualTo(option);
      int type = in.getInt();
      int length = in.getInt();
      answers.add(new Answer(type, in.slice(in.position(), length)));
      in.position(in.position() + length);
    }
    return answers;
  }

  private List<Integer> types(int option) {
    return answers(option).stream().map(Answer::type).toList();
  }

  @Test
  void shouldRefuseClientFlagsThatWereNotOffered() {
    assertThatThrownBy(() -> Negotiator.start(EXPORT, 4)).isInstanceOf(ProtocolViolation.class);
    assertThatThrownBy(() -> Negotiator.start(EXPORT, -1)).isInstanceOf(ProtocolViolation.class);
  }

  @Test
  void shouldDescribeTheExportAndWhatWasAskedFor() {
    assertThat(say(OPT_INFO, TestClient.describe("", 1, 2, 3, 3, 77)))
        .isEqualTo(Negotiator.Next.HAGGLE);
    List<Answer> answers = answers(OPT_INFO);
    assertThat(types(OPT_INFO)).containsExactly(REP_INFO, REP_INFO, REP_INFO, REP_INFO, REP_ACK);
    ByteBuffer export = answers.get(0).data();
    assertThat(export.getShort()).isZero();
    assertThat(export.getLong()).isEqualTo(1 << 20);
    // Flags, flush, FUA, trim, zeroes, multi-conn, fast zero; DF only with structured replies.
    assertThat(export.getShort()).isEqualTo((short) 0b1001_0110_1101);
    assertThat(answers.get(2).text()).endsWith("a disk");
    ByteBuffer sizes = answers.get(3).data();
    assertThat(sizes.getShort()).isEqualTo((short) 3);
    assertThat(List.of(sizes.getInt(), sizes.getInt(), sizes.getInt()))
        .containsExactly(1, 4096, 32 << 20);
  }

  @Test
  void shouldTransmitAfterGoOnly() {
    say(OPT_STRUCTURED_REPLY, NOTHING);
    assertThat(say(OPT_GO, TestClient.describe(""))).isEqualTo(Negotiator.Next.TRANSMIT);
    assertThat(negotiator.session()).isEqualTo(new Session(ReplyStyle.STRUCTURED, List.of()));
    assertThat(say(OPT_GO, TestClient.describe("other"))).isEqualTo(Negotiator.Next.HAGGLE);
    assertThat(types(OPT_GO)).containsExactly(REP_ERR_UNKNOWN);
    assertThat(answers(OPT_GO).getFirst().text()).contains("other");
  }

  @Test
  void shouldKeepTheOldWayIn() {
    assertThat(say(OPT_EXPORT_NAME, NOTHING)).isEqualTo(Negotiator.Next.TRANSMIT);
    assertThat(out.position()).isEqualTo(10);
    out.clear();
    Negotiator padded = start(EXPORT, NbdLayout.FLAG_FIXED_NEWSTYLE);
    padded.answer(new ClientOption.ExportName(""), out);
    assertThat(out.position()).isEqualTo(134);
    assertThat(say(OPT_EXPORT_NAME, new byte[] {'x'})).isEqualTo(Negotiator.Next.CLOSE);
    assertThat(out.position()).isZero();
    assertThat(say(OPT_EXPORT_NAME, new byte[] {(byte) 0xff})).isEqualTo(Negotiator.Next.CLOSE);
  }

  @Test
  void shouldListAndAbort() {
    assertThat(say(OPT_LIST, NOTHING)).isEqualTo(Negotiator.Next.HAGGLE);
    assertThat(types(OPT_LIST)).containsExactly(REP_SERVER, REP_ACK);
    assertThat(say(OPT_ABORT, new byte[7])).isEqualTo(Negotiator.Next.CLOSE);
    assertThat(types(OPT_ABORT)).containsExactly(REP_ACK);
  }

  @Test
  void shouldNotHaveWhatItDoesNotHave() {
    for (int option : new int[] {0, 4, OPT_STARTTLS, 11, 99, -1}) {
      assertThat(say(option, new byte[3])).isEqualTo(Negotiator.Next.HAGGLE);
      assertThat(types(option)).containsExactly(REP_ERR_UNSUP);
    }
  }

  @Test
  void shouldRefuseDataThatMakesNoSense() {
    byte[] longName = TestClient.describe("x".repeat(5000));
    byte[] shortData = {0, 0, 0, 9, 'x'};
    byte[] trailing = new byte[TestClient.describe("").length + 1];
    for (byte[] data : List.of(longName, shortData, trailing, NOTHING)) {
      assertThat(say(OPT_GO, data)).isEqualTo(Negotiator.Next.HAGGLE);
      assertThat(types(OPT_GO)).containsExactly(REP_ERR_INVALID);
    }
    say(OPT_LIST, new byte[1]);
    assertThat(types(OPT_LIST)).containsExactly(REP_ERR_INVALID);
    say(OPT_STRUCTURED_REPLY, new byte[1]);
    assertThat(types(OPT_STRUCTURED_REPLY)).containsExactly(REP_ERR_INVALID);
    assertThat(negotiator.session().style()).isEqualTo(ReplyStyle.SIMPLE);
    out.clear();
    assertThat(negotiator.answerTooBig(OPT_GO, out)).isEqualTo(Negotiator.Next.HAGGLE);
    assertThat(types(OPT_GO)).containsExactly(REP_ERR_TOO_BIG);
  }

  @Test
  void shouldSelectContextsByNameAndListThemByNamespace() {
    say(OPT_LIST_META_CONTEXT, TestClient.metaQuery(""));
    assertThat(types(OPT_LIST_META_CONTEXT)).containsExactly(REP_ERR_INVALID);
    say(OPT_STRUCTURED_REPLY, NOTHING);
    say(OPT_LIST_META_CONTEXT, TestClient.metaQuery(""));
    assertThat(types(OPT_LIST_META_CONTEXT))
        .containsExactly(REP_META_CONTEXT, REP_META_CONTEXT, REP_ACK);
    say(OPT_LIST_META_CONTEXT, TestClient.metaQuery("", "bezoar:"));
    assertThat(answers(OPT_LIST_META_CONTEXT).getFirst().text()).endsWith("bezoar:poison");

    say(OPT_SET_META_CONTEXT, TestClient.metaQuery("", "bezoar:", "qemu:dirty", "nonsense"));
    assertThat(types(OPT_SET_META_CONTEXT)).containsExactly(REP_ACK);
    assertThat(negotiator.session().contexts()).isEmpty();
    say(OPT_SET_META_CONTEXT, TestClient.metaQuery("", "bezoar:poison", "base:allocation"));
    assertThat(negotiator.session().contexts())
        .containsExactly(MetaContext.ALLOCATION, MetaContext.POISON);
    say(OPT_SET_META_CONTEXT, TestClient.metaQuery("other", "bezoar:poison"));
    assertThat(types(OPT_SET_META_CONTEXT)).containsExactly(REP_ERR_UNKNOWN);
    assertThat(negotiator.session().contexts()).isEmpty();
  }

  @Test
  void shouldForgetContextsWhenAskedForTooMany() {
    say(OPT_STRUCTURED_REPLY, NOTHING);
    say(OPT_SET_META_CONTEXT, TestClient.metaQuery("", "bezoar:poison"));
    String[] many = new String[65];
    java.util.Arrays.fill(many, "bezoar:poison");
    say(OPT_SET_META_CONTEXT, TestClient.metaQuery("", many));
    assertThat(types(OPT_SET_META_CONTEXT)).containsExactly(REP_ERR_INVALID);
    assertThat(negotiator.session().contexts()).isEmpty();
  }

  @Test
  void shouldNotOfferChangesToAReadOnlyExport() {
    Negotiator readOnly = start(export(NbdExport.Mode.READ_ONLY), 3);
    readOnly.answer(new ClientOption.ExportName(""), out);
    // Flags, read-only, flush, FUA, multi-conn.
    assertThat(out.getShort(8)).isEqualTo((short) 0b1_0000_1111);
  }

  @Test
  void shouldFollowOnlyWhatStartsLikeAMessage() throws IOException {
    byte[] option = TestClient.optionBytes(OPT_LIST, NOTHING);
    assertThat(OptionParser.parseHead(ByteBuffer.wrap(option)))
        .isEqualTo(new OptionParser.Head(OPT_LIST, 0));
    option[0]++;
    assertThatThrownBy(() -> OptionParser.parseHead(ByteBuffer.wrap(option)))
        .isInstanceOf(ProtocolViolation.class);
    byte[] request = TestClient.requestBytes(0xffff, 0xfffe, -1, -2, 0xfffffffdL);
    assertThat(RequestParser.parse(ByteBuffer.wrap(request)))
        .isEqualTo(new Request(0xffff, 0xfffe, -1, -2, 0xfffffffdL));
    request[3]++;
    assertThatThrownBy(() -> RequestParser.parse(ByteBuffer.wrap(request)))
        .isInstanceOf(ProtocolViolation.class);
  }

  @Test
  void shouldRefuseAnExportWhoseStringsDoNotFit() {
    assertThatThrownBy(
            () ->
                new NbdExport(
                    "",
                    "x".repeat(1025),
                    EXPORT.device(),
                    NbdExport.Mode.READ_ONLY,
                    EXPORT.health()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1025");
  }
}
