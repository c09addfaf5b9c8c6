package io.bezoar.cli.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.cli.control.FileRequest.CopyWay;
import io.bezoar.cli.control.FileRequest.Flag;
import io.bezoar.media.ByteRange;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class FileRequestCodecTest {
  private static final List<String> PATHS = List.of("/", "/a b/\u00e4\n", "/x\udc80\udcff");

  private static final List<FileRequest> REQUESTS =
      List.of(
          new FileRequest.Ls(PATHS, Set.of(Flag.RECURSIVE, Flag.SELF, Flag.ALL, Flag.LONG)),
          new FileRequest.Stat(PATHS, Set.of(Flag.EXTENTS)),
          new FileRequest.Cat(PATHS),
          new FileRequest.Df(),
          new FileRequest.Du(PATHS, Set.of(Flag.ALL, Flag.TOTAL)),
          new FileRequest.Mkdir(PATHS, 01700, Set.of(Flag.PARENTS)),
          new FileRequest.Rmdir(PATHS),
          new FileRequest.Rm(PATHS, Set.of(Flag.RECURSIVE, Flag.SELF, Flag.FORCE, Flag.VERBOSE)),
          new FileRequest.Mv(PATHS, "/to", Set.of(Flag.KEEP, Flag.EXACT, Flag.VERBOSE)),
          new FileRequest.Ln(
              "../x", "/l", Set.of(Flag.SYMBOLIC, Flag.FORCE, Flag.LINKS, Flag.VERBOSE)),
          new FileRequest.Ln("/x", "/l", Set.of()),
          new FileRequest.Cp(CopyWay.WITHIN, PATHS, "/to/", Set.of(Flag.RECURSIVE, Flag.MEASURE)),
          new FileRequest.Cp(CopyWay.IN, PATHS, "/", Set.of(Flag.LINKS, Flag.KEEP, Flag.EXACT)),
          new FileRequest.Cp(CopyWay.OUT, PATHS, "/tmp", Set.of()),
          new FileRequest.SnapshotCreate("monday"),
          new FileRequest.SnapshotList(),
          new FileRequest.SnapshotDelete("monday"),
          new FileRequest.Owners(new ByteRange(4096, 8192)),
          new FileRequest.Check());

  @Test
  void shouldKeepEveryRequestAndEveryByteOfItsNames() throws Exception {
    for (FileRequest request : REQUESTS) {
      String line = Json.line(RequestCodec.encode(request));
      assertThat(StandardCharsets.UTF_8.newEncoder().canEncode(line)).isTrue();
      assertThat(RequestCodec.decode(Json.parse(line))).as(line).isEqualTo(request);
    }
  }

  @Test
  void shouldTakeOrRefuseWhateverComes() {
    GarbledRequests.check(FileRequestCodecTest.class, REQUESTS);
  }

  @Test
  void shouldSayWhatIsWrongWithARequest() {
    for (String wrong :
        List.of(
            "{\"op\":\"file-fly\"}",
            "{\"op\":\"file-\"}",
            "{\"op\":\"file-cat\"}",
            "{\"op\":\"file-cat\",\"paths\":[]}",
            "{\"op\":\"file-cat\",\"paths\":\"/x\"}",
            "{\"op\":\"file-cat\",\"paths\":[7]}",
            "{\"op\":\"file-cat\",\"paths\":[\"x\"]}",
            "{\"op\":\"file-cat\",\"paths\":[\"/x\\u0000\"]}",
            "{\"op\":\"file-ls\",\"paths\":[\"/x\"]}",
            "{\"op\":\"file-ls\",\"paths\":[\"/x\"],\"flags\":[\"force\"]}",
            "{\"op\":\"file-ls\",\"paths\":[\"/x\"],\"flags\":[\"fast\"]}",
            "{\"op\":\"file-mkdir\",\"paths\":[\"/x\"],\"flags\":[]}",
            "{\"op\":\"file-mkdir\",\"paths\":[\"/x\"],\"flags\":[],\"mode\":4096}",
            "{\"op\":\"file-mv\",\"paths\":[\"/x\"],\"flags\":[]}",
            "{\"op\":\"file-mv\",\"paths\":[\"/x\"],\"flags\":[],\"to\":\"y\"}",
            "{\"op\":\"file-ln\",\"target\":\"x\",\"link\":\"/y\",\"flags\":[]}",
            "{\"op\":\"file-cp\",\"paths\":[\"/x\"],\"to\":\"/y\",\"flags\":[],\"way\":\"up\"}",
            "{\"op\":\"file-snapshot-create\"}",
            "{\"op\":\"file-owners\"}",
            "{\"op\":\"file-owners\",\"range\":{\"start\":5,\"end\":5}}")) {
      assertThatThrownBy(() -> RequestCodec.decode(Json.parse(wrong)))
          .as(wrong)
          .isInstanceOf(BadRequestException.class)
          .hasMessageNotContaining("\n");
    }
  }
}
