package io.bezoar.pool;

import io.bezoar.dax.Confidence;
import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceCounters;
import io.bezoar.dax.DeviceState;
import io.bezoar.dax.PoisonEntry;
import io.bezoar.media.ByteRange;
import io.bezoar.media.ByteRanges;
import io.bezoar.media.Units;
import io.bezoar.target.LegStatus;
import io.bezoar.target.MirroredTarget;
import io.bezoar.target.WriteCachedTarget;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/**
 * The devices of an open pool: those that are there, why the others are not, and where their bytes
 * lie in the volume. Thread-safe; changed by {@link DeviceAdmin} alone, one change at a time.
 */
final class PoolDevices implements NoticeRecorder.Places {
  private static final DeviceCounters NOTHING_COUNTED = new DeviceCounters(0, 0, 0, 0, 0, 0, 0);

  private final PoolLabels labels;
  private final Assembly.Built stack;
  private final ConcurrentSkipListMap<Integer, Member> members = new ConcurrentSkipListMap<>();
  private final ConcurrentSkipListMap<Integer, Away> away = new ConcurrentSkipListMap<>();

  /**
   * A device that is not there.
   *
   * @param presence whether it went or was sent
   * @param why for people
   */
  record Away(StackStatus.Presence presence, String why) {}

  PoolDevices(PoolLabels labels, Assembly.Built stack) {
    this.labels = labels;
    this.stack = stack;
  }

  void came(Member member) {
    away.remove(member.number());
    members.put(member.number(), member);
  }

  void went(int number, Away how) {
    members.remove(number);
    away.put(number, how);
  }

  void left(int number) {
    members.remove(number);
    away.remove(number);
  }

  PoolConfig config() {
    return labels.config();
  }

  StackMap map() {
    return new StackMap(config());
  }

  /** Those that are there, spares included, by number. */
  Collection<Member> members() {
    return members.values();
  }

  Optional<Member> member(int number) {
    return Optional.ofNullable(members.get(number));
  }

  /** Those that are not there. */
  Map<Integer, Away> away() {
    return away;
  }

  Collection<MirroredTarget> mirrors() {
    return stack.mirrors().values();
  }

  Collection<WriteCachedTarget> caches() {
    return stack.caches().values();
  }

  /**
   * A place in a mirror.
   *
   * @param target the mirror
   * @param config what the config says of it
   * @param slot the place
   */
  record Place(MirroredTarget target, Stack.Mirror config, int slot) {}

  /** Where a device of the stack stands. */
  Optional<Place> placeOf(int number) {
    PoolConfig config = config();
    return config.isVersion1()
        ? Optional.empty()
        : config
            .stack()
            .mirrorOf(number)
            .map(
                mirror ->
                    new Place(mirror(mirror.id()), mirror, mirror.slotOf(number).orElseThrow()));
  }

  /** The mirror with this id. */
  MirroredTarget mirror(UUID id) {
    return Objects.requireNonNull(stack.mirrors().get(id));
  }

  // Where bytes lie.

  @Override
  public int device(String lowest) {
    return members.values().stream()
        .filter(member -> member.name().equals(lowest))
        .mapToInt(Member::number)
        .findFirst()
        .orElse(-1);
  }

  @Override
  public ByteRanges volumePages(int device, ByteRange media) {
    DeviceContent content = contentOf(device);
    ByteRange held = content == null ? null : content.toContent(media);
    return held == null ? ByteRanges.EMPTY : map().up(device, held.alignOutward(Units.PAGE_BYTES));
  }

  @Override
  public @Nullable ByteRange media(int device, ByteRange volume) {
    DeviceContent content = contentOf(device);
    List<ByteRange> held = map().down(volume, device).asList();
    return content == null || held.isEmpty() ? null : content.toMedia(held.getFirst());
  }

  private @Nullable DeviceContent contentOf(int device) {
    Member member = members.get(device);
    return member == null ? null : member.content();
  }

  /** The bytes of the volume within {@code range} that are there in spite of their media. */
  ByteRanges degraded(ByteRange range) {
    List<ByteRange> degraded = new ArrayList<>();
    StackMap at = map();
    for (Member member : members.values()) {
      DeviceContent content = member.content();
      if (content == null || !member.isThere()) {
        continue;
      }
      for (ByteRange held : at.down(range, member.number()).asList()) {
        for (ByteRange bad : content.degraded(held).union(content.lost(held)).asList()) {
          degraded.addAll(at.up(member.number(), bad).asList());
        }
      }
    }
    return ByteRanges.of(degraded).intersect(range);
  }

  /** Everything of the media that cannot be trusted, device by device, in every layer's terms. */
  List<BadRange> badMedia() {
    List<BadRange> bad = new ArrayList<>();
    StackMap at = map();
    for (Member member : members.values()) {
      for (PoisonEntry entry : member.leaf().poison(new ByteRange(0, member.leaf().sizeBytes()))) {
        DeviceContent content = member.content();
        ByteRange held = content == null ? null : content.toContent(entry.range());
        List<LayerRanges> layers = new ArrayList<>();
        if (held != null) {
          layers.add(new LayerRanges("content of the device", ByteRanges.of(held)));
          layers.addAll(at.trace(member.number(), held));
        }
        bad.add(new BadRange(BadRange.Space.MEDIA, member.number(), entry, layers));
      }
    }
    return bad;
  }

  // How they are.

  StackStatus status() {
    PoolConfig config = config();
    return config.isVersion1() ? device(config.devices().getFirst(), null) : status(config.stack());
  }

  List<StackStatus.Device> spares() {
    return config().devices().stream()
        .filter(entry -> entry.use() == DeviceEntry.Use.SPARE)
        .map(entry -> device(entry, null))
        .toList();
  }

  private StackStatus status(Stack node) {
    return switch (node) {
      case Stack.Mirror mirror -> {
        MirroredTarget target = mirror(mirror.id());
        List<LegStatus> legs = target.legs();
        List<StackStatus> children = new ArrayList<>();
        for (Map.Entry<Integer, Stack.Leg> leg : mirror.legs().entrySet()) {
          LegStatus how =
              legs.stream().filter(each -> each.slot() == leg.getKey()).findFirst().orElse(null);
          children.add(
              switch (leg.getValue()) {
                case Stack.Leg.OfDevice(int number) -> device(config().device(number), how);
                case Stack.Leg.OfStack(Stack below) -> status(below);
              });
        }
        yield new StackStatus.Mirror(target.state(), mirror.dataBytes(), legs, children);
      }
      case Stack.Linear linear -> new StackStatus.Linear(node.sizeBytes(), all(linear.parts()));
      case Stack.Striped striped ->
          new StackStatus.Striped(striped.chunkBytes(), node.sizeBytes(), all(striped.parts()));
      case Stack.Cached cached -> {
        WriteCachedTarget target = Objects.requireNonNull(stack.caches().get(cached.id()));
        yield new StackStatus.Cached(target.status(), node.sizeBytes(), all(cached.below()));
      }
    };
  }

  private List<StackStatus> all(List<Stack> nodes) {
    return nodes.stream().map(node -> status(node)).toList();
  }

  private StackStatus.Device device(DeviceEntry entry, @Nullable LegStatus leg) {
    Member member = members.get(entry.number());
    if (member == null) {
      Away how =
          away.getOrDefault(
              entry.number(), new Away(StackStatus.Presence.MISSING, "it is not there"));
      return new StackStatus.Device(
          entry,
          how.presence(),
          how.why(),
          entry.path(),
          DeviceState.OFFLINE,
          null,
          0,
          NOTHING_COUNTED,
          0,
          leg);
    }
    DeviceContent content = member.content();
    DaxDevice top = content == null ? member.leaf() : content.device();
    long poisonBytes =
        member.leaf().poison(new ByteRange(0, member.leaf().sizeBytes())).stream()
            .filter(bad -> bad.confidence() == Confidence.EXACT)
            .mapToLong(bad -> bad.range().length())
            .sum();
    return new StackStatus.Device(
        entry,
        member.isThere() ? StackStatus.Presence.THERE : StackStatus.Presence.MISSING,
        "",
        member.path().toString(),
        top.state(),
        member.media().info(),
        content == null ? 0 : content.grid().volumeBytes(),
        top.counters(),
        poisonBytes,
        leg);
  }
}
