package dev.darkroom.pipeline;

import ai.djl.Device;
import ai.djl.engine.Engine;
import java.util.List;
import java.util.stream.IntStream;

/** The devices of this machine by the names that settings use: {@code cpu}, {@code cuda:0}, {@code cuda:1}, … */
final class Devices {
    private static final String CUDA = "cuda:";

    private Devices() {}

    /** All CUDA devices, or the processor where there are none. */
    static List<String> best() {
        int gpus = gpus();
        return gpus == 0
                ? List.of("cpu")
                : IntStream.range(0, gpus).mapToObj(i -> CUDA + i).toList();
    }

    private static int gpus() {
        return Engine.getEngine("PyTorch").getGpuCount();
    }

    static boolean isCuda(String name) {
        return name.startsWith(CUDA);
    }

    /** @throws IllegalArgumentException if there is no such device */
    static Device of(String name) {
        if (name.equals("cpu")) {
            return Device.cpu();
        }
        if (isCuda(name)) {
            String index = name.substring(CUDA.length());
            int gpus = gpus();
            if (index.matches("\\d{1,3}") && Integer.parseInt(index) < gpus) {
                return Device.gpu(Integer.parseInt(index));
            }
        }
        throw new IllegalArgumentException(
                "no device \"" + name + "\"; there are " + gpus() + " CUDA devices, cuda:0 the first, and cpu");
    }
}
