package dev.darkroom.pipeline;

import ai.djl.Device;
import ai.djl.engine.Engine;
import ai.djl.util.Utils;
import ai.djl.util.cuda.CudaLibrary;
import ai.djl.util.cuda.CudaUtils;
import com.sun.jna.Native;
import java.util.List;
import java.util.stream.IntStream;

/** The devices of this machine by the names that settings use: {@code cpu}, {@code cuda:0}, {@code cuda:1}, … */
public final class Devices {
    private static final String CUDA = "cuda:";

    private Devices() {}

    /**
     * Checks what would otherwise be found late, or be drawn on the processor without a word. Costs nothing where CUDA is neither
     * named nor the libtorch's.
     *
     * @param names to draw on; empty for the best there are
     * @throws IllegalArgumentException if one of them is not there, or there is none though libtorch is one for CUDA
     */
    public static void check(List<String> names) {
        if (names.isEmpty() && isForCuda()) {
            best();
        }
        for (String name : names) {
            of(name);
        }
    }

    /**
     * All CUDA devices, or the processor where libtorch knows no others.
     *
     * @throws IllegalArgumentException if libtorch is one for CUDA and there is no such device
     */
    public static List<String> best() {
        int gpus = gpus();
        if (gpus == 0 && isForCuda()) {
            throw new IllegalArgumentException("this libtorch is one for CUDA (" + flavour() + "), and " + whyNone()
                    + "; set darkroom.devices=cpu to draw on the processor all the same");
        }
        return gpus == 0
                ? List.of("cpu")
                : IntStream.range(0, gpus).mapToObj(i -> CUDA + i).toList();
    }

    /** Which libtorch draws, for people. */
    public static String libtorch() {
        return "libtorch " + Engine.getEngine("PyTorch").getVersion() + " (" + flavour() + ")";
    }

    private static String flavour() {
        return Utils.getEnvOrSystemProperty("PYTORCH_FLAVOR", "cpu");
    }

    private static boolean isForCuda() {
        return flavour().startsWith("cu");
    }

    private static int gpus() {
        return isForCuda() ? CudaUtils.getGpuCount() : 0;
    }

    /** What DJL, which only counts 0, does not say. */
    private static String whyNone() {
        if (!isForCuda()) {
            return "this libtorch is not one for CUDA (" + flavour() + ")";
        }
        try {
            CudaLibrary runtime = Native.load("cudart", CudaLibrary.class);
            int status = runtime.cudaGetDeviceCount(new int[1]);
            return "CUDA finds no device: " + runtime.cudaGetErrorString(status) + " (" + status + ")";
        } catch (UnsatisfiedLinkError e) {
            return "CUDA's runtime libcudart is not found: name its folder in -Djna.library.path";
        }
    }

    public static boolean isCuda(String name) {
        return name.startsWith(CUDA);
    }

    /** @throws IllegalArgumentException if there is no such device */
    public static Device of(String name) {
        if (name.equals("cpu")) {
            return Device.cpu();
        }
        int gpus = gpus();
        if (isCuda(name)) {
            String index = name.substring(CUDA.length());
            if (index.matches("\\d{1,3}") && Integer.parseInt(index) < gpus) {
                return Device.gpu(Integer.parseInt(index));
            }
        }
        throw new IllegalArgumentException("no device \"" + name + "\"; "
                + (gpus == 0 ? whyNone() : "there are " + gpus + " CUDA devices, cuda:0 the first") + ", and cpu");
    }
}
