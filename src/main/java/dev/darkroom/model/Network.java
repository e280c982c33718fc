package dev.darkroom.model;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.nn.SymbolBlock;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.ParameterStore;
import dev.darkroom.weights.Tensor;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.DigestOutputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.function.Function;

/**
 * A {@link Program} with weights, loaded by libtorch. Not thread-safe: one thread at a time (libtorch modules shared by
 * two threads have crashed, DJL issue 2733).
 */
public final class Network implements AutoCloseable {
    private final Model model;
    private final SymbolBlock block;
    private final ParameterStore parameters;

    private final boolean training;

    private Network(Model model, boolean training) {
        this.model = model;
        this.training = training;
        this.block = (SymbolBlock) model.getBlock();
        this.parameters = new ParameterStore(model.getNDManager(), false);
    }

    /**
     * Compiles and loads. The archive is kept in {@code cache} under the hash of its text and weights, so the next load
     * of the same network only reads it.
     *
     * @param weights gives each of the program's parameters, checked for shape
     * @param training whether parameters take gradients and can be written
     */
    public static Network load(
            Program program, Function<Program.Parameter, Tensor> weights, Path cache, boolean training) {
        Archive archive = new Archive(program, weights);
        try {
            Files.createDirectories(cache);
            String name = hash(archive, program, weights);
            Path file = cache.resolve(name + ".pt");
            if (!Files.exists(file)) {
                write(archive, file);
            }
            Model model = Model.newInstance(name, Device.cpu(), "PyTorch");
            try {
                model.load(cache, name, Map.of("mapLocation", "true", "trainParam", Boolean.toString(training)));
            } catch (MalformedModelException | IOException | RuntimeException e) {
                model.close();
                throw new IllegalStateException(
                        "libtorch refused the compiled network " + file + "; delete it if it" + " was damaged on disk",
                        e);
            }
            return new Network(model, training);
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write the compiled network to " + cache, e);
        }
    }

    private static String hash(Archive archive, Program program, Function<Program.Parameter, Tensor> weights)
            throws IOException {
        MessageDigest digest;
        try {
            digest = MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
        digest.update(archive.text().getBytes(StandardCharsets.UTF_8));
        try (OutputStream out = new DigestOutputStream(OutputStream.nullOutputStream(), digest)) {
            for (Program.Parameter parameter : program.parameters().values()) {
                Tensor tensor = weights.apply(parameter);
                tensor.writeTo(out, tensor.dtype());
            }
        }
        return HexFormat.of().formatHex(digest.digest(), 0, 16);
    }

    private static void write(Archive archive, Path file) throws IOException {
        Path half = Files.createTempFile(file.getParent(), "compiling", ".tmp");
        try {
            try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(half), 1 << 20)) {
                archive.write(out);
            }
            Files.move(half, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(half);
        }
    }

    /** A scope for the arrays of one call; close it when the results have been read. */
    public NDManager newScope() {
        return model.getNDManager().newSubManager();
    }

    /** The loaded module, for training: its direct parameters share storage with what {@link #call} runs. */
    public SymbolBlock block() {
        return block;
    }

    /**
     * Runs a method of the program.
     *
     * @param method name given to {@link Program#method}
     * @param inputs attached to one scope, where the result lands too
     */
    public NDArray call(String method, NDArray... inputs) {
        // The optimising executor recompiles for every new shape, which takes seconds; the switch is per thread.
        JniUtils.setGraphExecutorOptimize(false);
        NDList list = new NDList(inputs);
        if (!method.equals("forward")) {
            NDArray name = inputs[0].getManager().create(new float[] {0});
            name.setName("module_method:" + method);
            list.add(name);
        }
        return block.forward(parameters, list, training).singletonOrThrow();
    }

    @Override
    public void close() {
        model.close();
    }
}
