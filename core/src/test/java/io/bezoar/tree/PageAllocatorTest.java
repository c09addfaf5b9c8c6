package io.bezoar.tree;

import static org.assertj.core.api.Assertions.assertThat;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceInfo;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class PageAllocatorTest {
  private static final int PAGE = TreeRig.PAGE;

  /** A device of which only size, poison (none) and failure domains are asked. */
  private static DaxDevice striped(long pages, int chunkPages, int domains) {
    DeviceInfo info = new DeviceInfo("striped", pages * PAGE, 64, false, true, false, domains);
    return (DaxDevice)
        Proxy.newProxyInstance(
            DaxDevice.class.getClassLoader(),
            new Class<?>[] {DaxDevice.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "info" -> info;
                  case "sizeBytes" -> pages * PAGE;
                  case "poison" -> List.of();
                  case "failureDomain" -> (int) ((long) arguments[0] / PAGE / chunkPages % domains);
                  default -> throw new UnsupportedOperationException(method.getName());
                });
  }

  private static PageAllocator empty(DaxDevice device, long pages) {
    return new PageAllocator(device, group -> new long[SpaceLayout.WORDS], pages);
  }

  @Test
  void shouldKeepOutOfADomainWhileThereIsAnother() throws IOException {
    for (int chunk : new int[] {1, 8, 4096, 10_000}) {
      long pages = 40_000;
      DaxDevice device = striped(pages, chunk, 2);
      PageAllocator allocator = empty(device, pages);
      long inOther = 0;
      for (long i = 0; i < pages; i++) {
        inOther += device.failureDomain(i * PAGE) == 1 ? 1 : 0;
      }
      for (long i = 0; i < inOther; i++) {
        long page = allocator.takePage(PageAllocator.Home.SECOND_COPY, 0);
        assertThat(device.failureDomain(page * PAGE)).as("chunk %s", chunk).isEqualTo(1);
      }
      // Only pages of the domain to avoid are left: better than none.
      long page = allocator.takePage(PageAllocator.Home.SECOND_COPY, 0);
      assertThat(device.failureDomain(page * PAGE)).isZero();
    }
  }

  @Test
  void shouldHandOutEveryPageOnceAndThenNone() throws IOException {
    long pages = 9000;
    PageAllocator allocator = empty(striped(pages, 16, 3), pages);
    SplittableRandom random = new SplittableRandom(5);
    Set<Long> taken = new HashSet<>();
    while (allocator.available() > 0) {
      if (random.nextInt(3) > 0) {
        PageAllocator.Home home =
            random.nextBoolean() ? PageAllocator.Home.FIRST_COPY : PageAllocator.Home.SECOND_COPY;
        assertThat(taken.add(allocator.takePage(home, random.nextInt(4) - 1))).isTrue();
      } else {
        long[] run = allocator.takeRun(1 + random.nextInt(50));
        assertThat(run).isNotNull();
        for (long page = run[0]; page < run[0] + run[1]; page++) {
          assertThat(taken.add(page)).isTrue();
        }
      }
      if (random.nextInt(20) == 0) {
        Extents back = new Extents();
        long page = taken.iterator().next();
        back.add(page, 1, 0);
        taken.remove(page);
        allocator.giveBack(back);
      }
    }
    assertThat(taken).hasSize((int) pages);
    assertThat(taken).allMatch(page -> page >= 0 && page < pages);
    assertThat(allocator.takePage(PageAllocator.Home.FIRST_COPY, -1)).isEqualTo(-1);
    assertThat(allocator.takeRun(1)).isNull();
  }

  @Test
  void shouldFindTheOneRunThatIsLongEnough() throws IOException {
    long pages = 50_000;
    PageAllocator allocator = empty(striped(pages, 16, 3), pages);
    while (allocator.takeRun(4096) != null) {
      assertThat(allocator.available()).isNotNegative();
    }
    Extents back = new Extents();
    for (long page = 0; page < 40_000; page += 4) {
      back.add(page, 2, 0);
    }
    back.add(45_100, 300, 0);
    allocator.giveBack(back);
    assertThat(allocator.takeRun(300)).containsExactly(45_100, 300);
    assertThat(Objects.requireNonNull(allocator.takeRun(300))[1]).isEqualTo(2);
  }

  @Test
  void shouldLetFreedPagesRestUntilTheyAreOutOfReach() throws IOException {
    long pages = 300;
    PageAllocator allocator = empty(striped(pages, 16, 3), pages);
    Extents all = new Extents();
    for (long i = 0; i < pages; i++) {
      all.add(allocator.takePage(PageAllocator.Home.FIRST_COPY, -1), 1, 1);
    }
    allocator.committed(1, all, new Extents(), () -> {});
    Extents freed = new Extents();
    freed.add(7, 1, 1);
    allocator.committed(2, new Extents(), freed, () -> {});
    allocator.reuse(2);
    assertThat(allocator.takePage(PageAllocator.Home.FIRST_COPY, -1)).isEqualTo(-1);
    assertThat(allocator.restingPages()).isEqualTo(1);
    allocator.reuse(3);
    assertThat(allocator.takePage(PageAllocator.Home.FIRST_COPY, -1)).isEqualTo(7);
  }
}
