package dev.darkroom.program;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.SymbolBlock;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.ParameterStore;
import dev.darkroom.weights.Tensor;
import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;

/**
 * A {@link Program} with weights, loaded by libtorch. Not thread-safe: one thread at a time (libtorch modules shared by
 * two threads have crashed, DJL issue 2733).
 */
public final class Network implements AutoCloseable {
    private final Model model;
    private final SymbolBlock block;
    private final ParameterStore parameters;
    private final Map<String, List<String>> inputs; // names, of each method
    private final boolean training;

    private Network(Program program, Model model, boolean training) {
        this.inputs = program.inputs();
        this.model = model;
        this.training = training;
        this.block = (SymbolBlock) model.getBlock();
        this.parameters = new ParameterStore(model.getNDManager(), false);
    }

    /**
     * Compiles for inference on the processor, then hands over the weights one by one, each in the form that the program's
     * kernels read.
     *
     * @param weights gives each of the program's parameters, checked for shape
     */
    public static Network load(Program program, Function<Program.Parameter, Tensor> weights) {
        return load(program, Device.cpu(), weights);
    }

    /** The same for a device. */
    public static Network load(Program program, Device device, Function<Program.Parameter, Tensor> weights) {
        ByteArrayOutputStream archive = new ByteArrayOutputStream();
        Model model = Model.newInstance("net", device, "PyTorch");
        try {
            new TorchScriptArchive(program, null).write(archive);
            model.load(new ByteArrayInputStream(archive.toByteArray()), Map.of("mapLocation", "true"));
            Network network = new Network(program, model, false);
            network.set(List.copyOf(program.parameters().values()), weights);
            return network;
        } catch (IOException | MalformedModelException e) {
            model.close();
            throw new IllegalStateException("libtorch refused a compiled network", e);
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    private void set(List<Program.Parameter> parameters, Function<Program.Parameter, Tensor> weights) {
        JniUtils.setGraphExecutorOptimize(false);
        long largest =
                parameters.stream().mapToLong(Program.Parameter::size).max().orElse(0);
        // Two arrays that all weights pass through, one read while the other is handed over: an array each would leave
        // the
        // heap in pieces.
        try (NDManager manager = NDManager.newBaseManager(Device.cpu(), "PyTorch")) {
            PtNDArray[] raw = new PtNDArray[2];
            ByteBuffer[] bytes = new ByteBuffer[2];
            for (int k = 0; k < 2; k++) {
                raw[k] = (PtNDArray) manager.create(new Shape(largest), DataType.FLOAT32);
                bytes[k] = JniUtils.getByteBuffer(raw[k], true);
            }
            CompletableFuture<Void> read = CompletableFuture.completedFuture(null);
            try {
                for (int i = 0; i <= parameters.size(); i++) {
                    read.join();
                    if (i < parameters.size()) {
                        Program.Parameter parameter = parameters.get(i);
                        ByteBuffer into = bytes[i % 2].clear();
                        read = CompletableFuture.runAsync(
                                () -> weights.apply(parameter).read(into));
                    }
                    if (i > 0) {
                        hand(i - 1, parameters.get(i - 1), raw[(i - 1) % 2]);
                    }
                }
            } catch (CompletionException e) {
                throw e.getCause() instanceof RuntimeException cause ? cause : e;
            } finally {
                read.handle((done, failure) -> null).join(); // before the arrays it writes to are freed
            }
        }
    }

    private void hand(int i, Program.Parameter parameter, PtNDArray raw) {
        try (NDArray part = raw.get(new NDIndex().addSliceDim(0, parameter.size()));
                NDArray shaped = part.reshape(parameter.shape());
                NDArray there = shaped.toDevice(model.getNDManager().getDevice(), false);
                IValue x = IValue.from((PtNDArray) there)) {
            IValueUtils.runMethod((PtSymbolBlock) block, "set" + i, x).close();
        }
    }

    /**
     * Compiles for training: parameters take gradients and can be written.
     *
     * @param weights what the parameters begin with
     */
    public static Network trainable(Program program, Function<Program.Parameter, Tensor> weights) {
        try {
            Path folder = Files.createTempDirectory("darkroom-training");
            Path file = folder.resolve("net.pt");
            Model model = Model.newInstance("net", Device.cpu(), "PyTorch");
            try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 20)) {
                new TorchScriptArchive(program, weights).write(out);
                out.flush();
                model.load(folder, "net", Map.of("mapLocation", "true", "trainParam", "true"));
                return new Network(program, model, true);
            } catch (MalformedModelException | RuntimeException | Error e) {
                model.close();
                throw new IllegalStateException("libtorch refused a compiled network", e);
            } finally {
                Files.deleteIfExists(file);
                Files.delete(folder);
            }
        } catch (IOException e) {
            throw new UncheckedIOException("cannot write the compiled network to the temporary folder", e);
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
        return callForList(method, inputs).singletonOrThrow();
    }

    /**
     * Runs a method of the program.
     *
     * @param method name given to {@link Program#method}
     * @param byName its inputs by their names, attached to one scope, where the result lands too
     * @throws IllegalArgumentException if they are not those that the method takes
     */
    public NDArray call(String method, Map<String, NDArray> byName) {
        List<String> names = Objects.requireNonNull(inputs.get(method), method);
        if (!byName.keySet().equals(Set.copyOf(names))) {
            throw new IllegalArgumentException(method + " takes " + names + "; given: " + byName.keySet());
        }
        return call(method, names.stream().map(byName::get).toArray(NDArray[]::new));
    }

    /** Runs a method that returns several arrays. */
    public NDList callForList(String method, NDArray... inputs) {
        // The optimising executor recompiles for every new shape, which takes seconds; the switch is per thread.
        JniUtils.setGraphExecutorOptimize(false);
        NDList list = new NDList(inputs);
        if (!method.equals("forward")) {
            NDArray name = inputs[0].getManager().create(new float[] {0});
            name.setName("module_method:" + method);
            list.add(name);
        }
        return block.forward(parameters, list, training);
    }

    @Override
    public void close() {
        model.close();
    }
}
