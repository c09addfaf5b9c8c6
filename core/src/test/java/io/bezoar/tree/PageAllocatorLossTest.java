package io.bezoar.tree;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.bezoar.dax.DaxDevice;
import io.bezoar.dax.DeviceInfo;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Part of what says which pages are in use cannot be read. */
class PageAllocatorLossTest {
  private static final long PAGES = 2L * SpaceLayout.GROUP_PAGES;

  @Test
  void shouldKeepNothingOfARunThatItCouldNotTake() {
    DeviceInfo info = new DeviceInfo("half", PAGES * TreeRig.PAGE, 64, false, true, false, 1);
    DaxDevice device =
        (DaxDevice)
            Proxy.newProxyInstance(
                DaxDevice.class.getClassLoader(),
                new Class<?>[] {DaxDevice.class},
                (_, method, _) ->
                    switch (method.getName()) {
                      case "info" -> info;
                      case "sizeBytes" -> PAGES * TreeRig.PAGE;
                      case "poison" -> List.of();
                      default -> throw new UnsupportedOperationException(method.getName());
                    });
    PageAllocator allocator =
        new PageAllocator(
            device,
            group -> {
              if (group == 1) {
                throw new IOException("lost");
              }
              return new long[SpaceLayout.WORDS];
            },
            PAGES);
    assertThatThrownBy(() -> allocator.takeFrom(SpaceLayout.GROUP_PAGES - 10, 20))
        .isInstanceOf(IOException.class);
    assertThat(allocator.available()).isEqualTo(PAGES);
  }
}
