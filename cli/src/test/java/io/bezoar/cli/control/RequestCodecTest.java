package io.bezoar.cli.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.cli.control.Request.DeviceChange;
import io.bezoar.cli.control.Request.Wait;
import io.bezoar.dax.Severity;
import io.bezoar.health.EventQuery;
import io.bezoar.health.ScrubRequest;
import io.bezoar.media.Allocation;
import io.bezoar.media.ByteRange;
import io.bezoar.media.FaultKind;
import io.bezoar.pool.Fill;
import io.bezoar.pool.NewDevice;
import io.bezoar.pool.Redundancy;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class RequestCodecTest {
  @Test
  void shouldKeepEveryRequest() throws Exception {
    for (Request request :
        List.of(
            new Request.Status(),
            new Request.BadList(),
            new Request.Inject(
                List.of(FaultKind.FLIP, FaultKind.EIO),
                5L,
                10,
                1,
                -7,
                Request.Overlap.FORBIDDEN,
                "1"),
            new Request.Inject(
                List.of(FaultKind.values()), null, 4096, 1000, 7, Request.Overlap.ALLOWED, null),
            new Request.Clear(Fill.PATTERN, null),
            new Request.Clear(Fill.ZERO, new ByteRange(1, 9)),
            new Request.Scrub(
                new ScrubRequest(ScrubRequest.Start.FROM_START, 9, new ByteRange(0, 4096))),
            new Request.Scrub(ScrubRequest.DEFAULT),
            new Request.ScrubControl(Request.ScrubControl.Action.PAUSE),
            new DeviceChange.Attach("0", made(-1, null), Wait.UNTIL_IN_SYNC),
            new DeviceChange.Attach("a.img", made(4096, Redundancy.ofColumns(8)), Wait.FOR_NOTHING),
            new DeviceChange.Detach("/d/a.img"),
            new DeviceChange.Offline("1"),
            new DeviceChange.Online("1", null, Wait.FOR_NOTHING),
            new DeviceChange.Online("1", Path.of("/d/b.img"), Wait.UNTIL_IN_SYNC),
            new DeviceChange.Replace("1", null, Wait.UNTIL_IN_SYNC),
            new DeviceChange.Replace("1", made(-1, Redundancy.NONE), Wait.UNTIL_IN_SYNC),
            new DeviceChange.Evacuate("1", null, Wait.FOR_NOTHING),
            new DeviceChange.Evacuate("1", made(-1, null), Wait.UNTIL_IN_SYNC),
            new DeviceChange.Spare(made(8192, null)),
            new Request.DeviceProgress(),
            new Request.Events(EventQuery.ALL, Request.Events.Mode.FOLLOW),
            new Request.Events(
                new EventQuery(3, Instant.ofEpochMilli(99), Set.of(Severity.LOST, Severity.HEALED)),
                Request.Events.Mode.HISTORY))) {
      String line = Json.line(RequestCodec.encode(request));
      assertThat(RequestCodec.decode(Json.parse(line))).as(line).isEqualTo(request);
    }
  }

  private static NewDevice made(long sizeBytes, @Nullable Redundancy redundancy) {
    return new NewDevice(Path.of("/d/new.img"), sizeBytes, redundancy, Allocation.SPARSE);
  }

  /** No change of a request makes anything but a request or a refusal. */
  @Test
  void shouldRefuseOrUnderstandWhateverIsDoneToARequest() throws Exception {
    List<Request> requests =
        List.of(
            new DeviceChange.Attach("0", made(4096, Redundancy.ofColumns(8)), Wait.UNTIL_IN_SYNC),
            new DeviceChange.Online("1", Path.of("/d/b.img"), Wait.UNTIL_IN_SYNC),
            new DeviceChange.Evacuate("1", made(-1, Redundancy.NONE), Wait.FOR_NOTHING));
    GarbledRequests.check(RequestCodecTest.class, requests);
  }

  @Test
  void shouldSayWhatIsWrongWithARequest() {
    for (String wrong :
        List.of(
            "[]",
            "3",
            "null",
            "{}",
            "{\"op\":7}",
            "{\"op\":\"fly\"}",
            "{\"op\":\"bad-clear\"}",
            "{\"op\":\"bad-clear\",\"fill\":\"gold\"}",
            "{\"op\":\"bad-clear\",\"fill\":\"zero\",\"range\":{\"start\":5,\"end\":1}}",
            "{\"op\":\"bad-clear\",\"fill\":\"zero\",\"range\":5}",
            "{\"op\":\"scrub\",\"start\":\"continue\",\"rate\":-1}",
            "{\"op\":\"scrub\",\"start\":\"continue\",\"rate\":1.5}",
            "{\"op\":\"scrub\",\"start\":\"continue\",\"rate\":1e99}",
            "{\"op\":\"bad-inject\",\"kinds\":[],\"length\":1,\"count\":1,\"seed\":1,"
                + "\"overlap\":false}",
            "{\"op\":\"bad-inject\",\"kinds\":[\"flip\"],\"length\":1,\"count\":2000000,"
                + "\"seed\":1,\"overlap\":false}",
            "{\"op\":\"bad-inject\",\"kinds\":[1],\"length\":1,\"count\":1,\"seed\":1,"
                + "\"overlap\":false}",
            "{\"op\":\"bad-inject\",\"kinds\":[\"flip\"],\"length\":1,\"count\":1,\"seed\":1}",
            "{\"op\":\"device-fly\",\"device\":\"1\"}",
            "{\"op\":\"device-detach\"}",
            "{\"op\":\"device-detach\",\"device\":\"\"}",
            "{\"op\":\"device-online\",\"device\":\"1\",\"wait\":true,\"at\":\"b.img\"}",
            "{\"op\":\"device-spare\",\"new\":{\"path\":\"/c\",\"size\":-2,\"sparse\":true}}",
            "{\"op\":\"device-spare\",\"new\":{\"path\":\"/c\",\"size\":1,\"columns\":1,"
                + "\"sparse\":true}}",
            "{\"op\":\"device-attach\",\"device\":\"1\",\"wait\":true}",
            "{\"op\":\"events\",\"after\":0,\"since\":9223372036854775807,\"outcomes\":[],"
                + "\"follow\":false}")) {
      assertThatThrownBy(() -> RequestCodec.decode(Json.parse(wrong)))
          .as(wrong)
          .isInstanceOf(BadRequestException.class)
          .hasMessageNotContaining("\n");
    }
  }
}
