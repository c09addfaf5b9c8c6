package io.bezoar.fs;

import io.bezoar.dax.DaxDevice;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import org.jspecify.annotations.Nullable;

/** A device as another one, but for what somebody in between says. */
interface Interposed {
  /** What to answer to a call, or null to have it answered by the device; may throw, too. */
  @Nullable Object answer(String method, @Nullable Object @Nullable [] arguments) throws Throwable;

  /** The device with somebody before it. */
  static DaxDevice on(DaxDevice below, Interposed interposed) {
    return (DaxDevice)
        Proxy.newProxyInstance(
            DaxDevice.class.getClassLoader(),
            new Class<?>[] {DaxDevice.class},
            (_, method, arguments) -> {
              Object answer = interposed.answer(method.getName(), arguments);
              if (answer != null) {
                return answer;
              }
              try {
                return method.invoke(below, arguments);
              } catch (InvocationTargetException thrown) {
                throw thrown.getCause();
              }
            });
  }
}
