import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.AsynchronousFileChannel;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Region files of version 1 the way that Burst's worker handles them: written through an asynchronous channel from
 * direct buffers, read through a mapped buffer. Each line of standard input is one thing to do, and each line of
 * standard output its answer: nanoseconds, count, sum.
 */
final class BurstStyle {
    static final int POOL_BYTES = 1 << 20;
    private static final int PARCEL_BYTES = 1 << 20;
    private static final int BUFFERS = 4;

    private final ByteBuffer pool = ByteBuffer.allocateDirect(POOL_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    private final ExecutorService workers = Executors.newFixedThreadPool(2);
    private final Map<String, MappedByteBuffer> maps = new HashMap<>();
    private final Map<String, Integer> middles = new HashMap<>();
    private final Map<String, BurstSlice> slices = new HashMap<>();

    /** What a part of a scan has seen. */
    record Tally(long count, long value) {
        Tally plus(Tally other) {
            return new Tally(count + other.count, value + other.value);
        }
    }

    private interface Scan {
        Tally of(ByteBuffer bytes, int start, int end);
    }

    public static void main(String[] arguments) throws Exception {
        BurstStyle style = new BurstStyle();
        style.fillPool(Long.parseUnsignedLong(arguments[0]));
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            System.out.println(style.answer(line.split("\t")));
        }
        style.workers.shutdown();
    }

    private void fillPool(long seed) {
        long state = seed;
        for (int at = 0; at < POOL_BYTES; at += 8) {
            state += 0x9e3779b97f4a7c15L;
            long mixed = state;
            mixed = (mixed ^ (mixed >>> 30)) * 0xbf58476d1ce4e5b9L;
            mixed = (mixed ^ (mixed >>> 27)) * 0x94d049bb133111ebL;
            pool.putLong(at, mixed ^ (mixed >>> 31));
        }
    }

    private String answer(String[] line) throws Exception {
        String path = line[1];
        switch (line[0]) {
            case "write": {
                long start = System.nanoTime();
                write(Path.of(path), Integer.parseInt(line[2]), Long.parseLong(line[3]));
                return (System.nanoTime() - start) + " 0 0";
            }
            case "open": {
                long start = System.nanoTime();
                ByteBuffer map = map(path);
                Tally tally = sum(map, 2, 6 + map.getInt(2));
                return answer(System.nanoTime() - start, tally);
            }
            case "lengths":
                return scan(path, Integer.parseInt(line[2]), BurstStyle::lookAt);
            case "bytes":
                return scan(path, Integer.parseInt(line[2]), BurstStyle::sum);
            case "slice_write":
                return writeSlice(Path.of(path), Integer.parseInt(line[2]), Long.parseLong(line[3]),
                        Integer.parseInt(line[4]), Integer.parseInt(line[5])) + " 0 0";
            case "slice_bytes":
                return scanSlice(path, Integer.parseInt(line[2]));
            default:
                throw new IllegalArgumentException(line[0]);
        }
    }

    private static String answer(long nanoseconds, Tally tally) {
        return nanoseconds + " " + tally.count + " " + Long.toUnsignedString(tally.value);
    }

    /** Parcels are filled while others are on their way to the disk. */
    private void write(Path path, int blobLength, long blobs) throws Exception {
        List<ByteBuffer> buffers = new ArrayList<>();
        List<Future<Integer>> writes = new ArrayList<>();
        for (int index = 0; index < BUFFERS; index++) {
            buffers.add(ByteBuffer.allocateDirect(PARCEL_BYTES).order(ByteOrder.LITTLE_ENDIAN));
            writes.add(null);
        }
        try (AsynchronousFileChannel channel = AsynchronousFileChannel.open(
                path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            long position = 0;
            int turn = 0;
            ByteBuffer buffer = buffers.get(0).put((byte) 85).put((byte) 1);
            int blobsAPass = POOL_BYTES / blobLength;
            int next = 0;
            for (long blob = 0; blob < blobs; blob++) {
                if (buffer.remaining() < 4 + blobLength) {
                    int length = buffer.flip().remaining();
                    writes.set(turn, channel.write(buffer, position));
                    position += length;
                    turn = (turn + 1) % BUFFERS;
                    buffer = buffers.get(turn);
                    finish(writes.get(turn), buffer);
                    buffer.clear();
                }
                int at = buffer.position();
                buffer.putInt(at, blobLength);
                buffer.put(at + 4, pool, next * blobLength, blobLength);
                buffer.position(at + 4 + blobLength);
                next = next + 1 == blobsAPass ? 0 : next + 1;
            }
            buffer.flip();
            writes.set(turn, channel.write(buffer, position));
            for (int index = 0; index < BUFFERS; index++) {
                finish(writes.get(index), buffers.get(index));
            }
            channel.force(false);
        }
    }

    private static void finish(Future<Integer> write, ByteBuffer buffer) throws Exception {
        if (write != null) {
            write.get();
            if (buffer.hasRemaining()) {
                throw new IOException("a short write");
            }
        }
    }

    static MappedByteBuffer map(String path) throws IOException {
        try (FileChannel channel = FileChannel.open(Path.of(path), StandardOpenOption.READ)) {
            MappedByteBuffer map = channel.map(FileChannel.MapMode.READ_ONLY, 0, Files.size(Path.of(path)));
            map.order(ByteOrder.LITTLE_ENDIAN);
            if (map.get(0) != 85 || map.get(1) != 1) {
                throw new IOException("not a region of version 1");
            }
            return map;
        }
    }

    private String scan(String path, int threads, Scan scan) throws Exception {
        MappedByteBuffer map = maps.get(path);
        if (map == null) {
            map = map(path);
            maps.put(path, map);
            middles.put(path, middle(map));
        }
        final MappedByteBuffer bytes = map;
        final int middle = middles.get(path);
        long start = System.nanoTime();
        if (threads == 1) {
            Tally tally = scan.of(bytes, 2, bytes.limit());
            return answer(System.nanoTime() - start, tally);
        }
        Future<Tally> first = workers.submit(() -> scan.of(bytes, 2, middle));
        Future<Tally> second = workers.submit(() -> scan.of(bytes, middle, bytes.limit()));
        Tally tally = first.get().plus(second.get());
        return answer(System.nanoTime() - start, tally);
    }

    private long writeSlice(Path folder, int blobLength, long blobs, int regions, int impellers) throws Exception {
        List<ByteBuffer> parcels = BurstSlice.parcels(pool, blobLength, blobs);
        return BurstSlice.write(folder, parcels, regions, impellers);
    }

    private String scanSlice(String folder, int threads) throws Exception {
        BurstSlice slice = slices.get(folder);
        if (slice == null) {
            slice = BurstSlice.open(folder);
            slices.put(folder, slice);
        }
        long start = System.nanoTime();
        Tally tally = slice.sum(workers, threads);
        return answer(System.nanoTime() - start, tally);
    }

    private static int middle(ByteBuffer bytes) {
        int at = 2;
        while (at < bytes.limit() / 2) {
            at += 4 + bytes.getInt(at);
        }
        return at;
    }

    private static Tally lookAt(ByteBuffer bytes, int start, int end) {
        long count = 0;
        long value = 0;
        for (int at = start; at < end; ) {
            int length = bytes.getInt(at);
            count++;
            value += length + (bytes.get(at + 4) & 0xff);
            at += 4 + length;
        }
        return new Tally(count, value);
    }

    static Tally sum(ByteBuffer bytes, int start, int end) {
        long count = 0;
        long value = 0;
        for (int at = start; at < end; ) {
            int length = bytes.getInt(at);
            count += length;
            value += words(bytes, at + 4, at + 4 + length);
            at += 4 + length;
        }
        return new Tally(count, value);
    }

    private static long words(ByteBuffer bytes, int start, int end) {
        long value = 0;
        for (int at = start; at < end; at += 8) {
            value += bytes.getLong(at);
        }
        return value;
    }
}
