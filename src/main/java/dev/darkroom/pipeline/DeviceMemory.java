package dev.darkroom.pipeline;

import ai.djl.util.cuda.CudaUtils;
import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** How much memory is in use. */
public final class DeviceMemory {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final String RESIDENT = "VmRSS:";

    private DeviceMemory() {}

    /**
     * Bytes in use on a device: of a CUDA device by all programs; for the processor this process's resident memory, most of which
     * is libtorch's. NaN where the system does not tell.
     *
     * @param device {@code cpu}, {@code cuda:0}, …
     */
    public static double used(String device) {
        try {
            return Devices.isCuda(device)
                    ? CudaUtils.getGpuMemory(Devices.of(device)).getUsed()
                    : resident();
        } catch (IOException | RuntimeException e) {
            return Double.NaN;
        }
    }

    /** Share of a device's memory that weights may take; the rest is for what is computed. */
    private static final double WEIGHTS = 0.6;

    /**
     * Bytes of weights that a device has room for.
     *
     * @param device {@code cpu}, {@code cuda:0}, …
     */
    public static long forModels(String device) {
        if (Devices.isCuda(device)) {
            return (long) (WEIGHTS * CudaUtils.getGpuMemory(Devices.of(device)).getMax());
        }
        OperatingSystemMXBean machine = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
        return (long) (WEIGHTS * machine.getTotalMemorySize()); // of the container, if this is one
    }

    private static double resident() throws IOException {
        try (Stream<String> lines = Files.lines(STATUS)) {
            return lines.filter(line -> line.startsWith(RESIDENT))
                    .mapToDouble(line -> 1024 * Double.parseDouble(line.replaceAll("\\D", "")))
                    .findFirst()
                    .orElse(Double.NaN);
        }
    }
}
