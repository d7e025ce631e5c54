import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.MappedByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;

/**
 * A slice the way that Burst's worker handles one: parcels go round about to the regions, a region stays with one
 * impeller, and an impeller writes what is in its queue, a buffer at a time. Here all is on the disk at the end.
 */
final class BurstSlice {
    private static final int PARCELS_A_PASS = 4;
    /** Parcels that may wait for an impeller: 8 MiB, as with ours. */
    private static final int QUEUE = 32;
    private static final Order END = new Order(null, null);

    private final List<MappedByteBuffer> regions = new ArrayList<>();

    private record Order(FileChannel region, ByteBuffer parcel) {}

    /** A thread, its queue, and the regions that are its own. */
    private static final class Impeller extends Thread {
        private final BlockingQueue<Order> queue = new ArrayBlockingQueue<>(QUEUE);
        /** Complete before the end is queued. */
        private final List<FileChannel> regions = new ArrayList<>();

        @Override
        public void run() {
            try {
                for (Order order = queue.take(); order != END; order = queue.take()) {
                    while (order.parcel.hasRemaining()) {
                        order.region.write(order.parcel);
                    }
                }
                for (FileChannel region : regions) {
                    region.force(false);
                }
            } catch (IOException | InterruptedException exception) {
                exception.printStackTrace();
                // Nobody would take what is queued.
                Runtime.getRuntime().halt(1);
            }
        }
    }

    /** All blobs in parcels, which share the memory of one pass: the same ones that the others write. */
    static List<ByteBuffer> parcels(ByteBuffer pool, int blobLength, long blobs) {
        int slotLength = 4 + blobLength;
        int aPass = BurstStyle.POOL_BYTES / blobLength;
        ByteBuffer slots = ByteBuffer.allocateDirect(aPass * slotLength).order(ByteOrder.LITTLE_ENDIAN);
        for (int blob = 0; blob < aPass; blob++) {
            slots.putInt(blob * slotLength, blobLength);
            slots.put(blob * slotLength + 4, pool, blob * blobLength, blobLength);
        }
        List<ByteBuffer> parcels = new ArrayList<>();
        int count = Math.min(PARCELS_A_PASS, aPass);
        long left = blobs;
        for (int number = 0; left > 0; number = (number + 1) % count) {
            int start = aPass * number / count;
            int end = aPass * (number + 1) / count;
            int taken = (int) Math.min(left, end - start);
            parcels.add(slots.slice(start * slotLength, taken * slotLength));
            left -= taken;
        }
        return parcels;
    }

    /** Nanoseconds until all is on the disk. */
    static long write(Path folder, List<ByteBuffer> parcels, int regionCount, int impellerCount) throws Exception {
        List<Impeller> impellers = new ArrayList<>();
        for (int index = 0; index < impellerCount; index++) {
            impellers.add(new Impeller());
            impellers.get(index).start();
        }
        List<FileChannel> regions = new ArrayList<>();
        long start = System.nanoTime();
        for (int index = 0; index < regionCount; index++) {
            FileChannel region = FileChannel.open(folder.resolve(String.format("%02d.region", index)),
                    StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
            region.write(ByteBuffer.wrap(new byte[] {85, 1}));
            regions.add(region);
            impellers.get(index % impellerCount).regions.add(region);
        }
        for (int number = 0; number < parcels.size(); number++) {
            int region = number % regionCount;
            impellers.get(region % impellerCount).queue.put(new Order(regions.get(region), parcels.get(number)));
        }
        for (Impeller impeller : impellers) {
            impeller.queue.put(END);
        }
        for (Impeller impeller : impellers) {
            impeller.join();
        }
        for (FileChannel region : regions) {
            region.close();
        }
        return System.nanoTime() - start;
    }

    static BurstSlice open(String folder) throws IOException {
        BurstSlice slice = new BurstSlice();
        try (DirectoryStream<Path> paths = Files.newDirectoryStream(Path.of(folder))) {
            for (Path path : paths) {
                slice.regions.add(BurstStyle.map(path.toString()));
            }
        }
        return slice;
    }

    /** Each region by one of the threads. */
    BurstStyle.Tally sum(ExecutorService workers, int threads) throws Exception {
        List<Future<BurstStyle.Tally>> sums = new ArrayList<>();
        for (int thread = 0; thread < threads; thread++) {
            int first = thread;
            sums.add(workers.submit(() -> sumShare(first, threads)));
        }
        BurstStyle.Tally tally = new BurstStyle.Tally(0, 0);
        for (Future<BurstStyle.Tally> sum : sums) {
            tally = tally.plus(sum.get());
        }
        return tally;
    }

    private BurstStyle.Tally sumShare(int first, int step) {
        BurstStyle.Tally tally = new BurstStyle.Tally(0, 0);
        for (int index = first; index < regions.size(); index += step) {
            MappedByteBuffer region = regions.get(index);
            tally = tally.plus(BurstStyle.sum(region, 2, region.limit()));
        }
        return tally;
    }
}
