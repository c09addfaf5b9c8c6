package io.bezoar.nio;

import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.DELETE_ON_CLOSE;
import static java.nio.file.StandardOpenOption.DSYNC;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.SPARSE;
import static java.nio.file.StandardOpenOption.SYNC;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.MappedByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.FileLockInterruptionException;
import java.nio.channels.NonReadableChannelException;
import java.nio.channels.NonWritableChannelException;
import java.nio.channels.OverlappingFileLockException;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Function;
import java.util.function.IntFunction;
import org.junit.jupiter.api.Test;

/** {@link FileChannel}. */
abstract class ChannelsContract extends ProviderContract {
  private static final IntFunction<ByteBuffer> HEAP = ByteBuffer::allocate;
  private static final IntFunction<ByteBuffer> DIRECT = ByteBuffer::allocateDirect;

  private static ByteBuffer text(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
  }

  private static String text(ByteBuffer buffer) {
    return StandardCharsets.UTF_8.decode(buffer.flip()).toString();
  }

  private FileChannel open(String name, OpenOption... options) throws IOException {
    return FileChannel.open(path(name), options);
  }

  // Opening.

  @Test
  void shouldOpenAsAsked() throws IOException {
    Path file = path("a");
    assertFails(NoSuchFileException.class, file, () -> open("a").close());
    assertFails(NoSuchFileException.class, file, () -> open("a", READ, CREATE).close());
    assertFails(NoSuchFileException.class, file, () -> open("a", READ, CREATE_NEW).close());
    assertFails(NoSuchFileException.class, file, () -> open("a", WRITE).close());
    assertFails(NoSuchFileException.class, file, () -> open("a", APPEND).close());
    assertFails(NoSuchFileException.class, file, () -> open("a", WRITE, TRUNCATE_EXISTING).close());
    open("a", WRITE, CREATE_NEW).close();
    assertFails(FileAlreadyExistsException.class, file, () -> open("a", WRITE, CREATE_NEW).close());
    Files.writeString(file, "hello");
    open("a", WRITE, CREATE).close();
    open("a", READ, CREATE_NEW).close();
    open("a", READ, TRUNCATE_EXISTING).close();
    assertThat(Files.size(file)).isEqualTo(5);
    open("a", WRITE, CREATE, TRUNCATE_EXISTING).close();
    assertThat(Files.size(file)).isZero();
    open("b", APPEND, CREATE).close();
    open("c", WRITE, CREATE_NEW, SPARSE).close();
    open("d", WRITE, CREATE, SYNC).close();
    assertThat(list(root)).containsExactly("a", "b", "c", "d");
    directory("e");
    assertFails(
        FileAlreadyExistsException.class, path("e"), () -> open("e", WRITE, CREATE_NEW).close());
    assertThatExceptionOfType(java.nio.file.FileSystemException.class)
        .isThrownBy(() -> open("e", WRITE).close());
  }

  @Test
  void shouldRefuseOptionsThatContradictEachOther() {
    assertThatIllegalArgumentException().isThrownBy(() -> open("a", READ, APPEND, CREATE).close());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> open("a", APPEND, TRUNCATE_EXISTING, CREATE).close());
    assertThatNullPointerException()
        .isThrownBy(() -> Files.newByteChannel(path("a"), (OpenOption) null).close());
  }

  @Test
  void shouldLetReadersReadAndWritersWriteOnly() throws IOException {
    file("a", "hello");
    try (FileChannel reader = open("a", READ);
        FileChannel writer = open("a", WRITE);
        FileChannel appender = open("a", APPEND)) {
      assertThatExceptionOfType(NonWritableChannelException.class)
          .isThrownBy(() -> reader.write(text("x")));
      assertThatExceptionOfType(NonWritableChannelException.class)
          .isThrownBy(() -> reader.write(text("x"), 0));
      assertThatExceptionOfType(NonWritableChannelException.class)
          .isThrownBy(() -> reader.truncate(0));
      assertThatExceptionOfType(NonWritableChannelException.class)
          .isThrownBy(() -> reader.transferFrom(reader, 0, 1));
      assertThatExceptionOfType(NonReadableChannelException.class)
          .isThrownBy(() -> writer.read(text("x")));
      assertThatExceptionOfType(NonReadableChannelException.class)
          .isThrownBy(() -> writer.read(text("x"), 0));
      assertThatExceptionOfType(NonReadableChannelException.class)
          .isThrownBy(() -> writer.transferTo(0, 1, appender));
      assertThatExceptionOfType(NonReadableChannelException.class)
          .isThrownBy(() -> appender.read(text("x")));
      assertThatExceptionOfType(NonWritableChannelException.class)
          .isThrownBy(() -> reader.transferTo(0, 1, open("a", READ)));
      assertThatExceptionOfType(NonReadableChannelException.class)
          .isThrownBy(() -> writer.transferFrom(appender, 0, 1));
    }
  }

  @Test
  void shouldMakeDirectoriesDurable() throws IOException {
    directory("d");
    try (FileChannel channel = open("d", READ)) {
      channel.force(true);
      assertThatExceptionOfType(IOException.class)
          .isThrownBy(() -> channel.read(ByteBuffer.allocate(1)));
      assertThatExceptionOfType(NonWritableChannelException.class)
          .isThrownBy(() -> channel.write(text("x")));
    }
  }

  @Test
  void shouldMapForReading() throws IOException {
    file("a", "0123456789".repeat(2000));
    MappedByteBuffer buffer;
    try (FileChannel channel = open("a", READ);
        Arena arena = Arena.ofConfined()) {
      MemorySegment segment = channel.map(FileChannel.MapMode.READ_ONLY, 5001, 12_000, arena);
      assertThat(segment.byteSize()).isEqualTo(12_000);
      assertThat(segment.isReadOnly()).isTrue();
      assertThat(segment.get(ValueLayout.JAVA_BYTE, 11_998)).isEqualTo((byte) '9');
      buffer = channel.map(FileChannel.MapMode.READ_ONLY, 3, 10_000);
      assertThatExceptionOfType(IOException.class)
          .isThrownBy(() -> channel.map(FileChannel.MapMode.READ_ONLY, 0, 20_001));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> channel.map(FileChannel.MapMode.READ_ONLY, -1, 10));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> channel.map(FileChannel.MapMode.READ_ONLY, 0, 1L << 40));
    }
    assertThat(buffer.isReadOnly()).isTrue();
    assertThat(buffer.remaining()).isEqualTo(10_000);
    assertThat(buffer.get(9_999)).isEqualTo((byte) '2');
    try (FileChannel channel = open("a", WRITE)) {
      assertThatExceptionOfType(NonReadableChannelException.class)
          .isThrownBy(() -> channel.map(FileChannel.MapMode.READ_ONLY, 0, 1));
    }
  }

  @Test
  void shouldMakeAFileLongerThatIsMappedPastItsEnd() throws IOException {
    file("a", "hello");
    try (FileChannel channel = open("a", READ, WRITE)) {
      MappedByteBuffer buffer = channel.map(FileChannel.MapMode.READ_ONLY, 3, 7000);
      assertThat(buffer.get(1)).isEqualTo((byte) 'o');
      assertThat(buffer.get(6999)).isZero();
      assertThat(channel.size()).isEqualTo(7003);
      assertThat(channel.map(FileChannel.MapMode.READ_ONLY, 8000, 0).capacity()).isZero();
      assertThat(channel.size()).isEqualTo(8000);
      channel.map(FileChannel.MapMode.READ_ONLY, 0, 5);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> channel.map(FileChannel.MapMode.READ_ONLY, Long.MAX_VALUE, 10));
      assertThat(channel.size()).isEqualTo(8000);
    }
  }

  @Test
  void shouldReadDirectly() throws Exception {
    file("a", "hello");
    OpenOption direct = optionOfTheJdk(OpenOption.class, "ExtendedOpenOption", "DIRECT");
    try (FileChannel channel = open("a", READ, direct)) {
      ByteBuffer buffer = ByteBuffer.allocateDirect(3 * 4096).alignedSlice(4096).limit(4096);
      assertThat(channel.read(buffer)).isEqualTo(5);
    }
  }

  @Test
  void shouldDeleteOnClose() throws IOException {
    try (FileChannel channel = open("a", READ, WRITE, CREATE_NEW, DELETE_ON_CLOSE)) {
      channel.write(text("hello"));
      ByteBuffer read = ByteBuffer.allocate(5);
      assertThat(channel.read(read, 0)).isEqualTo(5);
      assertThat(text(read)).isEqualTo("hello");
    }
    assertThat(list(root)).isEmpty();
    Path link = link("l", "b");
    file("b", "");
    assertThatExceptionOfType(IOException.class)
        .isThrownBy(() -> open("l", READ, DELETE_ON_CLOSE).close());
    assertThat(Files.isSymbolicLink(link)).isTrue();
  }

  // Bytes.

  @Test
  void shouldReadAndWriteWithHeapBuffers() throws IOException {
    readAndWrite(HEAP);
  }

  @Test
  void shouldReadAndWriteWithDirectBuffers() throws IOException {
    readAndWrite(DIRECT);
  }

  @Test
  void shouldReadAndWriteWithSlices() throws IOException {
    readAndWrite(size -> ByteBuffer.allocate(size + 7).slice(3, size));
    readAndWrite(size -> ByteBuffer.allocateDirect(size + 7).slice(3, size));
  }

  private void readAndWrite(IntFunction<ByteBuffer> buffers) throws IOException {
    byte[] content = new byte[2_500_000];
    new Random(1).nextBytes(content);
    Files.deleteIfExists(path("a"));
    try (FileChannel channel = open("a", READ, WRITE, CREATE_NEW)) {
      ByteBuffer src = buffers.apply(content.length);
      src.put(content).flip().position(100);
      assertThat(channel.write(src)).isEqualTo(content.length - 100);
      assertThat(src.position()).isEqualTo(content.length);
      assertThat(channel.position()).isEqualTo(content.length - 100);
      assertThat(channel.size()).isEqualTo(content.length - 100);
      src.position(0).limit(100);
      assertThat(channel.write(src, content.length)).isEqualTo(100);
      assertThat(channel.position()).isEqualTo(content.length - 100);
      ByteBuffer dst = buffers.apply(content.length + 200);
      assertThat(channel.read(dst, 0)).isEqualTo(content.length + 100);
      assertThat(dst.position()).isEqualTo(content.length + 100);
      dst.flip();
      for (int i = 100; i < content.length; i++) {
        assertThat(dst.get() == content[i]).isTrue();
      }
      for (int i = 0; i < 100; i++) {
        assertThat(dst.get()).isZero();
      }
      for (int i = 0; i < 100; i++) {
        assertThat(dst.get()).isEqualTo(content[i]);
      }
      assertThat(channel.read(buffers.apply(10), content.length + 100)).isEqualTo(-1);
      assertThat(channel.read(buffers.apply(10), content.length + 1000)).isEqualTo(-1);
      assertThat(channel.read(buffers.apply(0), 0)).isZero();
      ByteBuffer few = buffers.apply(10);
      few.limit(4).position(2);
      assertThat(channel.read(few, 0)).isEqualTo(2);
      assertThat(few.position()).isEqualTo(4);
    }
  }

  @Test
  void shouldWriteFromReadOnlyBuffers() throws IOException {
    try (FileChannel channel = open("a", READ, WRITE, CREATE_NEW)) {
      assertThat(channel.write(text("hello").asReadOnlyBuffer())).isEqualTo(5);
      ByteBuffer direct = ByteBuffer.allocateDirect(3).put(text("bye")).flip();
      assertThat(channel.write(direct.asReadOnlyBuffer())).isEqualTo(3);
      assertThat(Files.readString(path("a"))).isEqualTo("hellobye");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> channel.read(ByteBuffer.allocate(3).asReadOnlyBuffer()));
      assertThatIllegalArgumentException()
          .isThrownBy(() -> channel.read(ByteBuffer.allocate(3).asReadOnlyBuffer(), 0));
    }
  }

  @Test
  void shouldKeepItsPosition() throws IOException {
    file("a", "0123456789");
    try (FileChannel channel = open("a", READ, WRITE)) {
      assertThat(channel.position()).isZero();
      ByteBuffer three = ByteBuffer.allocate(3);
      assertThat(channel.read(three)).isEqualTo(3);
      assertThat(channel.position()).isEqualTo(3);
      channel.position(8).write(text("abcd"));
      assertThat(channel.position()).isEqualTo(12);
      assertThat(channel.read(three.clear())).isEqualTo(-1);
      assertThat(channel.position()).isEqualTo(12);
      channel.position(20);
      assertThat(channel.size()).isEqualTo(12);
      assertThat(channel.read(three.clear())).isEqualTo(-1);
      channel.write(text("x"));
      assertThat(channel.size()).isEqualTo(21);
      assertThatIllegalArgumentException().isThrownBy(() -> channel.position(-1));
      assertThatIllegalArgumentException().isThrownBy(() -> channel.read(three.clear(), -1));
      assertThatIllegalArgumentException().isThrownBy(() -> channel.write(text("x"), -1));
    }
    assertThat(Files.readString(path("a"))).isEqualTo("01234567abcd" + "\0".repeat(8) + "x");
  }

  @Test
  void shouldTruncate() throws IOException {
    file("a", "0123456789");
    try (FileChannel channel = open("a", READ, WRITE)) {
      channel.position(8);
      assertThat(channel.truncate(20)).isSameAs(channel);
      assertThat(channel.size()).isEqualTo(10);
      assertThat(channel.position()).isEqualTo(8);
      channel.truncate(5);
      assertThat(channel.size()).isEqualTo(5);
      assertThat(channel.position()).isEqualTo(5);
      channel.position(7).truncate(6);
      assertThat(channel.position()).isEqualTo(6);
      channel.write(text("x"), 7);
      assertThatIllegalArgumentException().isThrownBy(() -> channel.truncate(-1));
    }
    assertThat(Files.readString(path("a"))).isEqualTo("01234\0\0x");
  }

  @Test
  void shouldAppend() throws IOException {
    file("a", "01");
    try (FileChannel channel = open("a", APPEND);
        FileChannel other = open("a", APPEND, DSYNC)) {
      channel.write(text("23"));
      other.write(text("45"));
      assertThat(channel.position(0).write(text("67"))).isEqualTo(2);
      assertThat(channel.position()).isEqualTo(8);
      assertThat(channel.write(text("89"), 0)).isEqualTo(2);
      assertThat(channel.write(new ByteBuffer[] {text("a"), text(""), text("b")})).isEqualTo(2);
    }
    assertThat(Files.readString(path("a"))).isEqualTo("0123456789ab");
  }

  @Test
  void shouldScatterAndGather() throws IOException {
    try (FileChannel channel = open("a", READ, WRITE, CREATE_NEW)) {
      ByteBuffer[] srcs = {text("skipped"), text("ab"), text(""), text("cde"), text("skipped")};
      assertThat(channel.write(srcs, 1, 3)).isEqualTo(5);
      assertThat(srcs[3].hasRemaining()).isFalse();
      assertThat(srcs[0].remaining()).isEqualTo(7);
      assertThat(channel.position()).isEqualTo(5);
      channel.position(0);
      ByteBuffer[] dsts = {ByteBuffer.allocate(1), ByteBuffer.allocateDirect(3), HEAP.apply(9)};
      assertThat(channel.read(dsts)).isEqualTo(5);
      assertThat(text(dsts[0])).isEqualTo("a");
      assertThat(text(dsts[1])).isEqualTo("bcd");
      assertThat(text(dsts[2])).isEqualTo("e");
      for (ByteBuffer dst : dsts) {
        dst.clear();
      }
      assertThat(channel.read(dsts)).isEqualTo(-1);
      assertThat(channel.read(new ByteBuffer[0])).isZero();
      assertThat(channel.write(new ByteBuffer[] {text("")})).isZero();
      assertThatExceptionOfType(IndexOutOfBoundsException.class)
          .isThrownBy(() -> channel.read(dsts, 2, 2));
      assertThatExceptionOfType(IndexOutOfBoundsException.class)
          .isThrownBy(() -> channel.write(srcs, -1, 2));
    }
  }

  @Test
  void shouldScatterAndGatherMuch() throws IOException {
    byte[] content = new byte[3_000_000];
    new Random(2).nextBytes(content);
    try (FileChannel channel = open("a", READ, WRITE, CREATE_NEW)) {
      ByteBuffer[] srcs = {
        ByteBuffer.wrap(content, 0, 5), ByteBuffer.wrap(content, 5, content.length - 5)
      };
      long written = 0;
      while (written < content.length) {
        written += channel.write(srcs);
      }
      ByteBuffer[] dsts = {HEAP.apply(1_700_000), DIRECT.apply(2_000_000)};
      channel.position(0);
      assertThat(channel.read(dsts)).isEqualTo(content.length);
      byte[] read = new byte[content.length];
      dsts[0].flip().get(read, 0, 1_700_000);
      dsts[1].flip().get(read, 1_700_000, 1_300_000);
      assertThat(read).isEqualTo(content);
    }
  }

  @Test
  void shouldForce() throws IOException {
    file("a", "x");
    try (FileChannel channel = open("a", READ, WRITE)) {
      channel.write(text("y"));
      channel.force(true);
      channel.force(false);
    }
    try (FileChannel channel = open("a", READ)) {
      channel.force(true);
    }
  }

  // From channel to channel.

  @Test
  void shouldTransferTo() throws IOException {
    byte[] content = new byte[2_200_000];
    new Random(3).nextBytes(content);
    Files.write(path("a"), content);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (FileChannel from = open("a", READ);
        FileChannel to = open("b", READ, WRITE, CREATE_NEW)) {
      assertThat(all(from, 0, content.length, to)).isEqualTo(content.length);
      assertThat(to.position()).isEqualTo(content.length);
      assertThat(from.position()).isZero();
      assertThat(all(from, 10, 100, Channels.newChannel(out))).isEqualTo(100);
      assertThat(from.transferTo(content.length, 10, to)).isZero();
      assertThat(from.transferTo(content.length + 5, 10, to)).isZero();
      assertThat(from.transferTo(content.length - 3, 10, to)).isEqualTo(3);
      assertThatIllegalArgumentException().isThrownBy(() -> from.transferTo(-1, 1, to));
      assertThatIllegalArgumentException().isThrownBy(() -> from.transferTo(0, -1, to));
    }
    assertThat(Files.readAllBytes(path("b"))).startsWith(content).hasSize(content.length + 3);
    assertThat(out.toByteArray()).isEqualTo(java.util.Arrays.copyOfRange(content, 10, 110));
  }

  private static long all(
      FileChannel from, long position, long count, java.nio.channels.WritableByteChannel to)
      throws IOException {
    long moved = 0;
    while (moved < count) {
      long some = from.transferTo(position + moved, count - moved, to);
      if (some == 0) {
        break;
      }
      moved += some;
    }
    return moved;
  }

  @Test
  void shouldTransferFrom() throws IOException {
    byte[] content = new byte[2_200_000];
    new Random(4).nextBytes(content);
    try (FileChannel to = open("a", READ, WRITE, CREATE_NEW)) {
      assertThat(
              to.transferFrom(
                  Channels.newChannel(new ByteArrayInputStream(content)), 0, Long.MAX_VALUE))
          .isEqualTo(content.length);
      assertThat(to.position()).isZero();
      assertThat(to.transferFrom(Channels.newChannel(new ByteArrayInputStream(content)), 5, 10))
          .isEqualTo(10);
      assertThat(
              to.transferFrom(
                  Channels.newChannel(new ByteArrayInputStream(content)), content.length + 1, 10))
          .isEqualTo(10);
      assertThat(to.size()).isEqualTo(content.length + 11);
      to.truncate(content.length);
    }
    byte[] expected = content.clone();
    System.arraycopy(content, 0, expected, 5, 10);
    assertThat(Files.readAllBytes(path("a"))).isEqualTo(expected);
    try (FileChannel from = open("a", READ);
        FileChannel to = open("b", WRITE, CREATE_NEW)) {
      from.position(100);
      assertThat(to.transferFrom(from, 0, 1000)).isEqualTo(1000);
      assertThat(from.position()).isEqualTo(1100);
    }
    assertThat(Files.size(path("b"))).isEqualTo(1000);
  }

  // Locks.

  @Test
  void shouldLock() throws IOException {
    file("a", "0123456789");
    try (FileChannel one = open("a", READ, WRITE);
        FileChannel two = open("a", READ, WRITE)) {
      FileLock lock = one.lock(0, 5, false);
      assertThat(lock.isValid()).isTrue();
      assertThat(lock.isShared()).isFalse();
      assertThat(lock.channel()).isSameAs(one);
      assertThatExceptionOfType(OverlappingFileLockException.class)
          .isThrownBy(() -> two.tryLock(4, 1, false));
      assertThatExceptionOfType(OverlappingFileLockException.class)
          .isThrownBy(() -> two.lock(4, 1, true));
      assertThatExceptionOfType(OverlappingFileLockException.class).isThrownBy(one::lock);
      FileLock beside = two.tryLock(5, 5, true);
      assertThat(beside.isShared()).isTrue();
      assertThatExceptionOfType(OverlappingFileLockException.class)
          .isThrownBy(() -> one.tryLock(7, 1, true));
      beside.release();
      assertThat(beside.isValid()).isFalse();
      beside.release();
      lock.release();
      try (FileLock whole = two.lock()) {
        assertThat(whole.size()).isEqualTo(Long.MAX_VALUE);
      }
      FileChannel third = open("a", WRITE);
      FileLock left = third.tryLock();
      third.close();
      assertThat(left.isValid()).isFalse();
      assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(left::release);
      two.lock().release();
    }
  }

  @Test
  void shouldLockAsTheChannelWasOpened() throws IOException {
    file("a", "0123456789");
    try (FileChannel reader = open("a", READ);
        FileChannel writer = open("a", WRITE)) {
      assertThatExceptionOfType(NonWritableChannelException.class).isThrownBy(reader::tryLock);
      assertThatExceptionOfType(NonReadableChannelException.class)
          .isThrownBy(() -> writer.tryLock(0, 1, true));
      assertThatIllegalArgumentException().isThrownBy(() -> writer.tryLock(-1, 1, false));
      assertThatIllegalArgumentException().isThrownBy(() -> writer.tryLock(0, -1, false));
      FileLock toTheEnd = writer.tryLock(3, 0, false);
      assertThat(toTheEnd.size()).isEqualTo(Long.MAX_VALUE - 3);
    }
  }

  // Closing.

  @Test
  void shouldBeClosedOnceClosed() throws IOException {
    file("a", "x");
    FileChannel channel = open("a", READ, WRITE);
    channel.close();
    channel.close();
    assertThat(channel.isOpen()).isFalse();
    ByteBuffer buffer = ByteBuffer.allocate(1);
    try (FileChannel other = open("a", READ, WRITE)) {
      assertClosed(() -> channel.read(buffer));
      assertClosed(() -> channel.read(buffer, 0));
      assertClosed(() -> channel.read(new ByteBuffer[] {buffer}));
      assertClosed(() -> channel.write(buffer));
      assertClosed(() -> channel.write(buffer, 0));
      assertClosed(() -> channel.write(new ByteBuffer[] {buffer}));
      assertClosed(channel::position);
      assertClosed(() -> channel.position(0));
      assertClosed(channel::size);
      assertClosed(() -> channel.truncate(0));
      assertClosed(
          () -> {
            channel.force(true);
            return true;
          });
      assertClosed(() -> channel.transferTo(0, 1, other));
      assertClosed(() -> channel.transferFrom(other, 0, 1));
      assertClosed(() -> other.transferTo(0, 1, channel));
      assertClosed(() -> other.transferFrom(channel, 0, 1));
      assertClosed(channel::lock);
      assertClosed(channel::tryLock);
    }
  }

  private static void assertClosed(Callable<?> call) {
    assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(call::call);
  }

  // Interrupts.

  /** What comes of it on an interrupted thread; the thread stays interrupted. */
  private static <T> T interrupted(Callable<T> call) throws Exception {
    Thread.currentThread().interrupt();
    try {
      return call.call();
    } finally {
      assertThat(Thread.interrupted()).isTrue();
    }
  }

  private static void assertClosedByInterrupt(FileChannel channel, Callable<?> call) {
    assertThatExceptionOfType(ClosedByInterruptException.class).isThrownBy(() -> interrupted(call));
    assertThat(channel.isOpen()).isFalse();
    assertThatExceptionOfType(ClosedChannelException.class).isThrownBy(channel::size);
  }

  @Test
  void shouldBeClosedByInterrupts() throws IOException {
    file("a", "x");
    for (Function<FileChannel, Callable<?>> use :
        List.<Function<FileChannel, Callable<?>>>of(
            channel -> () -> channel.read(ByteBuffer.allocate(1)),
            channel -> () -> channel.read(ByteBuffer.allocate(1), 0),
            channel -> () -> channel.write(text("x")),
            channel -> () -> channel.write(text("x"), 0),
            channel -> channel::size,
            channel -> channel::position,
            channel -> () -> channel.position(1),
            channel -> () -> channel.truncate(1),
            channel -> () -> channel.map(FileChannel.MapMode.READ_ONLY, 0, 1))) {
      FileChannel one = open("a", READ, WRITE);
      assertClosedByInterrupt(one, use.apply(one));
      FileChannel other = (FileChannel) Files.newByteChannel(path("a"), READ, WRITE);
      assertClosedByInterrupt(other, use.apply(other));
    }
  }

  @Test
  void shouldCloseBothChannelsOfATransferByAnInterrupt() throws IOException {
    file("a", "x");
    file("b", "y");
    try (FileChannel from = open("a", READ);
        FileChannel to = open("b", WRITE)) {
      assertClosedByInterrupt(from, () -> from.transferTo(0, 1, to));
      assertThat(to.isOpen()).isFalse();
    }
    try (FileChannel to = open("b", WRITE);
        ReadableByteChannel from = Channels.newChannel(new ByteArrayInputStream(new byte[1]))) {
      assertClosedByInterrupt(to, () -> to.transferFrom(from, 0, 1));
      assertThat(from.isOpen()).isFalse();
    }
  }

  @Test
  void shouldLockOnAnInterruptedThreadOnlyWithoutWaiting() throws Exception {
    file("a", "x");
    try (FileChannel channel = open("a", READ, WRITE);
        FileChannel other = open("a", READ, WRITE)) {
      FileLock lock = interrupted(() -> channel.tryLock(0, 1, false));
      assertThat(lock.isValid()).isTrue();
      assertThatExceptionOfType(OverlappingFileLockException.class)
          .isThrownBy(() -> interrupted(() -> channel.lock(0, 1, false)));
      assertThat(channel.isOpen()).isTrue();
      assertThatExceptionOfType(FileLockInterruptionException.class)
          .isThrownBy(() -> interrupted(() -> channel.lock(2, 1, false)));
      assertThat(channel.isOpen()).isFalse();
      assertThat(lock.isValid()).isFalse();
      assertThat(other.tryLock()).isNotNull();
    }
  }

  /** The default provider makes the channels below streams so that no interrupt closes them. */
  @Test
  void shouldReadAndWriteWholeFilesOnAnInterruptedThread() throws Exception {
    Path file = path("a");
    assertThat(interrupted(() -> Files.writeString(file, "hello"))).isEqualTo(file);
    assertThat(interrupted(() -> Files.readString(file))).isEqualTo("hello");
    assertThat(interrupted(() -> Files.readAllBytes(file))).hasSize(5);
    assertThat(interrupted(() -> Files.readAllLines(file))).containsExactly("hello");
    Files.writeString(path("b"), "hallo");
    assertThat(interrupted(() -> Files.mismatch(file, path("b")))).isEqualTo(1);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    assertThat(interrupted(() -> Files.copy(file, bytes))).isEqualTo(5);
    ByteArrayInputStream source = new ByteArrayInputStream(new byte[7]);
    assertThat(interrupted(() -> Files.copy(source, path("c")))).isEqualTo(7);
    assertThat(interrupted(() -> Files.copy(file, path("d")))).isEqualTo(path("d"));
  }

  @Test
  void shouldReadAndWriteStreamsOnAnInterruptedThread() throws Exception {
    Path file = file("a", "hello");
    try (InputStream in = Files.newInputStream(file);
        OutputStream out = Files.newOutputStream(path("b"), CREATE, APPEND)) {
      assertThat(interrupted(() -> in.readNBytes(1))).containsExactly('h');
      assertThat(interrupted(() -> in.skip(1))).isEqualTo(1);
      assertThat(interrupted(() -> in.available())).isEqualTo(3);
      assertThat(interrupted(() -> in.transferTo(out))).isEqualTo(3);
    }
    assertThat(Files.readString(path("b"))).isEqualTo("llo");
    try (BufferedReader in = Files.newBufferedReader(file)) {
      assertThat(interrupted(in::readLine)).isEqualTo("hello");
    }
  }

  @Test
  void shouldOpenStreamsAsAsked() throws IOException {
    Path file = file("a", "hello");
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> Files.newInputStream(file, WRITE).close());
    assertThatExceptionOfType(UnsupportedOperationException.class)
        .isThrownBy(() -> Files.newInputStream(file, APPEND).close());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Files.newOutputStream(file, READ).close());
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Files.newOutputStream(file, APPEND, TRUNCATE_EXISTING).close());
    assertThatNullPointerException()
        .isThrownBy(() -> Files.newInputStream(file, (OpenOption) null).close());
    assertThatNullPointerException()
        .isThrownBy(() -> Files.newOutputStream(file, (OpenOption) null).close());
    Path no = path("no");
    assertFails(
        NoSuchFileException.class, no, () -> Files.newInputStream(no, CREATE, READ).close());
    assertFails(
        NoSuchFileException.class, no, () -> Files.newOutputStream(no, TRUNCATE_EXISTING).close());
    assertFails(
        FileAlreadyExistsException.class,
        file,
        () -> Files.newOutputStream(file, CREATE_NEW).close());
    Files.newOutputStream(file, CREATE).close();
    assertThat(Files.size(file)).isEqualTo(5);
    Files.newOutputStream(file).close();
    assertThat(Files.size(file)).isZero();
    InputStream closed = Files.newInputStream(file);
    closed.close();
    assertClosed(closed::read);
  }

  @Test
  void shouldEndReadersWhenItIsClosed() throws Exception {
    byte[] content = new byte[100_000];
    java.util.Arrays.fill(content, (byte) 7);
    Files.write(path("a"), content);
    try (ExecutorService threads = Executors.newFixedThreadPool(2)) {
      for (int round = 0; round < 50; round++) {
        FileChannel channel = open("a", READ);
        Future<?> reader =
            threads.submit(
                () -> {
                  ByteBuffer buffer = ByteBuffer.allocate(50_000);
                  while (true) {
                    channel.read(buffer.clear(), 17);
                    assertThat(buffer.get(49_000)).isEqualTo((byte) 7);
                  }
                });
        Future<?> closer =
            threads.submit(
                () -> {
                  channel.close();
                  return true;
                });
        closer.get();
        assertThatExceptionOfType(ExecutionException.class)
            .isThrownBy(reader::get)
            .withCauseInstanceOf(ClosedChannelException.class);
      }
    }
  }

  @Test
  void shouldStayOpenWhenItsNameGoes() throws IOException {
    Path file = file("a", "hello");
    try (FileChannel channel = open("a", READ, WRITE)) {
      Files.delete(file);
      file("a", "another");
      ByteBuffer read = ByteBuffer.allocate(10);
      assertThat(channel.read(read)).isEqualTo(5);
      assertThat(text(read)).isEqualTo("hello");
      channel.write(text("more"));
      assertThat(channel.size()).isEqualTo(9);
    }
    assertThat(Files.readString(file)).isEqualTo("another");
  }

  @Test
  void shouldGiveByteChannels() throws IOException {
    file("a", "hello");
    try (SeekableByteChannel channel = Files.newByteChannel(path("a"))) {
      channel.position(1);
      ByteBuffer read = ByteBuffer.allocate(2);
      assertThat(channel.read(read)).isEqualTo(2);
      assertThat(text(read)).isEqualTo("el");
      assertThat(channel.size()).isEqualTo(5);
    }
  }

  @Test
  void shouldCreateAtomically() throws Exception {
    try (ExecutorService threads = Executors.newFixedThreadPool(4)) {
      for (int round = 0; round < 20; round++) {
        String name = "f" + round;
        Callable<Boolean> create =
            () -> {
              try {
                open(name, WRITE, CREATE_NEW).close();
                return true;
              } catch (FileAlreadyExistsException taken) {
                return false;
              }
            };
        int made = 0;
        for (Future<Boolean> each : threads.invokeAll(java.util.Collections.nCopies(4, create))) {
          made += each.get() ? 1 : 0;
        }
        assertThat(made).isEqualTo(1);
      }
    }
  }

  @Test
  void shouldAppendAtomically() throws Exception {
    open("a", WRITE, CREATE_NEW).close();
    int threadCount = 4;
    int lines = 200;
    try (ExecutorService threads = Executors.newFixedThreadPool(threadCount)) {
      java.util.List<Callable<Boolean>> writers = new java.util.ArrayList<>();
      for (int t = 0; t < threadCount; t++) {
        String line = ("" + (char) ('a' + t)).repeat(99) + "\n";
        writers.add(
            () -> {
              try (FileChannel channel = open("a", APPEND)) {
                for (int i = 0; i < lines; i++) {
                  channel.write(text(line));
                }
              }
              return true;
            });
      }
      for (Future<Boolean> each : threads.invokeAll(writers)) {
        each.get();
      }
    }
    assertThat(Files.readAllLines(path("a")))
        .hasSize(threadCount * lines)
        .allMatch(line -> line.length() == 99 && line.chars().distinct().count() == 1);
  }
}
