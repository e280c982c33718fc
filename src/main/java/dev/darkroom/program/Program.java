package dev.darkroom.program;

import ai.djl.Device;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A network being written down. Its calls read like the network in the paper; each one appends a line of TorchScript,
 * notes the parameters it needs with their shapes, and counts its floating-point operations. From one description come
 * the program, the check of a checkpoint, and the cost.
 *
 * <p>The text is straight-line code in a root class; parameters sit in a tree of otherwise empty classes that mirrors
 * the checkpoint's names. Format: PyTorch {@code torch/csrc/jit/docs/serialization.md}.
 *
 * <p>{@link #at} gives a view into a sub-module: parameter names of its calls are relative to it.
 */
public final class Program {
    /**
     * A checkpoint's parameter that the program reads.
     *
     * @param name as in the checkpoint
     * @param shape as in the checkpoint
     * @param prepare the TorchScript expression that turns it, {@code x}, into what the program keeps
     * @param stored how many floats that is
     */
    public record Parameter(String name, long[] shape, String prepare, long stored) {
        public long size() {
            return Arrays.stream(shape).reduce(1, Math::multiplyExact);
        }
    }

    /** How layers are computed. The results of the first two differ in the last bits only. */
    public enum Kernels {
        /** As PyTorch's own modules do it; runs on every device, and gradients flow. */
        PLAIN,
        /**
         * Inference on x86 processors: weights are kept in the order that oneDNN's kernels read them, pictures with channels
         * innermost, and large 3 × 3 convolutions take a quarter of the multiplications ({@link Winograd}).
         */
        PACKED,
        /**
         * Training on processors that multiply bfloat16 numbers: convolutions and matrix products round their inputs to 8 bits
         * of mantissa and add up in 32 bits (Micikevicius et al. 2018, section 3; no loss scaling, as the exponent keeps its 8
         * bits). Weights, their gradients and norms stay in 32 bits.
         */
        MIXED;

        /** The kernels for training on this machine's processor. */
        public static Kernels forTraining() {
            try {
                String flags = Files.readString(Path.of("/proc/cpuinfo"), StandardCharsets.ISO_8859_1);
                return flags.contains("avx512_bf16") || flags.contains("amx_bf16") ? MIXED : PLAIN;
            } catch (IOException e) { // no Linux
                return PLAIN;
            }
        }

        /** The kernels for inference on a device of this machine. */
        public static Kernels of(Device device) {
            if (device.isGpu()) {
                return PLAIN;
            }
            boolean x86 = System.getProperty("os.arch").equals("amd64");
            boolean mac = System.getProperty("os.name").startsWith("Mac"); // its libtorch is built without oneDNN
            return x86 && !mac ? PACKED : PLAIN;
        }
    }

    /** Ten times what the largest networks of this kind have. */
    private static final int MAX_PARAMETERS = 20_000;

    /** Of {@code at::ScalarType}. */
    private static final int HALF = 5;

    private static final int FLOAT = 6;

    private static final String NO_ACTIVATION = "\"none\", annotate(List[Optional[number]], []), \"\"";

    private final State state;
    private final String prefix;

    private static final class State {
        final Kernels kernels;
        final boolean half;
        final Map<String, Parameter> parameters = new LinkedHashMap<>();
        final List<String> methods = new ArrayList<>();
        final Map<String, List<String>> inputs = new LinkedHashMap<>(); // of each method
        StringBuilder body = new StringBuilder();
        int values;
        long flops;
        boolean winograd;

        State(Kernels kernels, boolean half) {
            this.kernels = kernels;
            this.half = half;
        }
    }

    /** A program of {@link Kernels#PLAIN} layers. */
    public Program() {
        this(Kernels.PLAIN);
    }

    public Program(Kernels kernels) {
        this(kernels, false);
    }

    /** @param half whether weights are kept as 16-bit floats, for {@link Kernels#PLAIN} layers */
    public Program(Kernels kernels, boolean half) {
        this(new State(kernels, half), "");
    }

    private Program(State state, String prefix) {
        this.state = state;
        this.prefix = prefix;
    }

    /** The sub-module {@code name}, like "cd into a directory". */
    public Program at(String name) {
        return new Program(state, prefix + name + ".");
    }

    public Program at(int index) {
        return at(Integer.toString(index));
    }

    /** The parameters that all calls so far need, by full name, in the order of first use. */
    public Map<String, Parameter> parameters() {
        return Collections.unmodifiableMap(state.parameters);
    }

    /** Floating-point operations of all calls so far for batch size 1; a multiply-add counts as two. */
    public long flops() {
        return state.flops;
    }

    /**
     * Ends a method of the root class: everything said since the last one is its body.
     *
     * @param name for example {@code forward}
     * @param result what it returns
     * @param inputs what it takes, in this order
     */
    public void method(String name, Value result, Value... inputs) {
        method(name, "Tensor", result.name(), inputs);
    }

    /** Ends a method that returns several values, in this order. */
    public void method(String name, List<Value> results, Value... inputs) {
        String names = results.stream().map(Value::name).collect(Collectors.joining(", "));
        method(name, "List[Tensor]", "[" + names + "]", inputs);
    }

    private void method(String name, String type, String result, Value... inputs) {
        state.inputs.put(name, Arrays.stream(inputs).map(Value::name).toList());
        String arguments = Arrays.stream(inputs)
                .map(input -> ",\n    " + input.name() + ": Tensor")
                .collect(Collectors.joining());
        rawMethod("  def " + name + "(self: __torch__.Net" + arguments + ") -> " + type + ":\n" + state.body
                + "    return " + result + "\n");
        state.body = new StringBuilder();
    }

    /** Adds a method given as TorchScript text, for what is not a network: an optimiser step, for example. */
    public void rawMethod(String text) {
        state.methods.add(text);
    }

    /** The names of the inputs of each method so far, in their order. */
    Map<String, List<String>> inputs() {
        return Map.copyOf(state.inputs);
    }

    /** The text of the methods so far. */
    List<String> methods() {
        return state.methods;
    }

    /** Whether TorchScript lets {@code name} follow a dot; numbered children need {@code getattr}. */
    static boolean isIdentifier(String name) {
        return !Character.isDigit(name.charAt(0));
    }

    // ---- values

    /** An input of the method being written. */
    public Value input(String name, long... shape) {
        return new Value(name, shape);
    }

    /** The result of any expression, with its shape. */
    public Value let(String expression, long... shape) {
        String name = "v" + state.values++;
        state.body.append("    ").append(name).append(" = ").append(expression).append('\n');
        return new Value(name, shape);
    }

    private Value like(Value x, String expression) {
        return let(expression, x.shape());
    }

    /** Declares a parameter that is kept as it is, and gives the expression that reads it. */
    String parameter(String name, long... shape) {
        return prepared(name, state.half ? "torch.to(x, " + HALF + ")" : "torch.clone(x)", 1, shape);
    }

    /** Declares a parameter and gives the expression that reads what {@code prepare} made of it. */
    private String prepared(String name, String prepare, int growth, long... shape) {
        String full = prefix + name;
        if (state.parameters.size() == MAX_PARAMETERS) {
            throw new IllegalArgumentException("a network of more than " + MAX_PARAMETERS + " weights");
        }
        Parameter parameter = new Parameter(
                full, shape, prepare, growth * Arrays.stream(shape).reduce(1, Math::multiplyExact));
        Parameter before = state.parameters.putIfAbsent(full, parameter);
        if (before != null
                && !(Arrays.equals(before.shape(), shape) && before.prepare().equals(prepare))) {
            throw new IllegalStateException(full + " is used as " + Arrays.toString(before.shape()) + " "
                    + before.prepare() + " and as " + Arrays.toString(shape) + " " + prepare);
        }
        return path(full);
    }

    /** The expression for a parameter or module below the root. */
    static String path(String name) {
        String path = "self";
        for (String part : name.split("\\.")) {
            path = isIdentifier(part) ? path + "." + part : "getattr(" + path + ", \"" + part + "\")";
        }
        return path;
    }

    // ---- layers

    /** 2-D convolution, square kernel, with bias. {@code x [1, c, h, w]} → {@code [1, out, h', w']}. */
    public Value conv2d(String name, Value x, int out, int kernel, int stride, int padding) {
        return conv2d(name, x, out, kernel, stride, padding, true);
    }

    /** {@link #conv2d}, with bias or without. */
    public Value conv2d(String name, Value x, int out, int kernel, int stride, int padding, boolean withBias) {
        int c = x.channels();
        long h = (x.dim(2) + 2L * padding - kernel) / stride + 1;
        long w = (x.dim(3) + 2L * padding - kernel) / stride + 1;
        state.flops += 2L * kernel * kernel * c * out * h * w;
        String bias = withBias ? parameter(name + ".bias", out) : "None";
        String geometry = "[%d, %d], [%d, %d], [1, 1], 1";
        if (state.kernels != Kernels.PACKED) {
            String weight = parameter(name + ".weight", out, c, kernel, kernel);
            String strideFirst = geometry.formatted(stride, stride, padding, padding);
            return let(
                    "torch.conv2d(" + rounded(x.name()) + ", " + rounded(weight) + ", " + rounded(bias) + ", "
                            + strideFirst + ")",
                    1,
                    out,
                    h,
                    w);
        }
        String nhwc = "torch.contiguous(" + x.name() + ", memory_format=2)";
        if (withBias && Winograd.suits(kernel, stride, padding, c, out, h * w)) {
            if (!state.winograd) {
                state.winograd = true;
                rawMethod(Winograd.METHOD);
            }
            String weight = prepared(name + ".weight", Winograd.PREPARE, 4, out, c, kernel, kernel);
            return let("(self).winograd(" + nhwc + ", " + weight + ", " + bias + ", )", 1, out, h, w);
        }
        String paddingFirst = geometry.formatted(padding, padding, stride, stride);
        String reorder = "ops.mkldnn._reorder_convolution_weight(torch.contiguous(x, memory_format=2), " + paddingFirst
                + ", [1, " + c + ", " + x.dim(2) + ", " + x.dim(3) + "])";
        String weight = prepared(name + ".weight", reorder, 1, out, c, kernel, kernel);
        return let(
                "ops.mkldnn._convolution_pointwise(" + nhwc + ", " + weight + ", " + bias + ", " + paddingFirst + ", "
                        + NO_ACTIVATION + ")",
                1,
                out,
                h,
                w);
    }

    /** Linear map of the last dimension. */
    public Value linear(String name, Value x, int out, boolean withBias) {
        long in = x.dim(-1);
        String bias = withBias ? parameter(name + ".bias", out) : "None";
        long[] shape = x.shape().clone();
        shape[shape.length - 1] = out;
        state.flops += 2 * Arrays.stream(shape).reduce(1, Math::multiplyExact) * in;
        if (state.kernels != Kernels.PACKED) {
            String weight = parameter(name + ".weight", out, in);
            return let(
                    "torch.linear(" + rounded(x.name()) + ", " + rounded(weight) + ", " + rounded(bias) + ")", shape);
        }
        String reorder = "ops.mkldnn._reorder_linear_weight(x, " + x.size() / in + ")";
        String weight = prepared(name + ".weight", reorder, 1, out, in);
        return let(
                "ops.mkldnn._linear_pointwise(" + x.name() + ", " + weight + ", " + bias + ", " + NO_ACTIVATION + ")",
                shape);
    }

    /** An operand of a convolution or a matrix product. */
    private String rounded(String operand) {
        return state.kernels == Kernels.MIXED && !operand.equals("None") ? "torch.to(" + operand + ", 15)" : operand;
    }

    public Value linear(String name, Value x, int out) {
        return linear(name, x, out, true);
    }

    public Value groupNorm(String name, Value x, int groups, double eps) {
        int c = x.channels();
        if (c % groups != 0) {
            throw new IllegalArgumentException(
                    prefix + name + ": " + c + " channels cannot be split into norm_num_groups = " + groups);
        }
        return like(
                x,
                "torch.group_norm(" + x.name() + ", " + groups + ", " + parameter(name + ".weight", c) + ", "
                        + parameter(name + ".bias", c) + ", " + eps + ")");
    }

    public Value layerNorm(String name, Value x, double eps) {
        long c = x.dim(-1);
        return like(
                x,
                "torch.layer_norm(" + x.name() + ", [" + c + "], " + parameter(name + ".weight", c) + ", "
                        + parameter(name + ".bias", c) + ", " + eps + ")");
    }

    /** Rows of a table. {@code ids [1, t]} → {@code [1, t, width]}. */
    public Value embedding(String name, Value ids, long rows, long width) {
        return let(
                "torch.embedding(" + parameter(name + ".weight", rows, width) + ", " + ids.name() + ")",
                1,
                ids.dim(1),
                width);
    }

    /** The first {@code t} rows of a table, as {@code [t, width]}. */
    public Value firstRows(String name, Value ids, long rows, long width) {
        return let(
                "torch.slice(" + parameter(name + ".weight", rows, width) + ", 0, 0, torch.size(" + ids.name()
                        + ", 1), 1)",
                ids.dim(1),
                width);
    }

    /** The row of {@code x [1, t, c]} at the largest element of {@code scores [1, t]}, the first of equals: {@code [1, c]}. */
    public Value rowOfLargest(Value x, Value scores) {
        return let(
                "torch.squeeze(torch.take_along_dim(" + x.name() + ", torch.reshape(torch.argmax(" + scores.name()
                        + ", 1), [-1, 1, 1]), 1), 1)",
                1,
                x.dim(-1));
    }

    /**
     * Scaled dot-product attention over {@code heads} heads. {@code q [1, t, c]}, {@code k, v [1, s, c]} →
     * {@code [1, t, c]}. Vaswani et al. 2017, equation (1).
     */
    public Value attention(Value q, Value k, Value v, int heads, boolean causal) {
        long c = q.dim(-1);
        if (c % heads != 0) {
            throw new IllegalArgumentException(
                    prefix + ": " + c + " channels cannot be split into " + heads + " heads");
        }
        state.flops += 4 * q.dim(1) * k.dim(1) * c;
        Value o = like(
                q,
                "torch.scaled_dot_product_attention(" + heads(q, heads) + ", " + heads(k, heads) + ", "
                        + heads(v, heads) + ", None, 0., " + (causal ? "True" : "False") + ")");
        return like(
                q,
                "torch.reshape(torch.transpose(" + o.name() + ", 1, 2), [torch.size(" + q.name() + ", 0), -1, " + c
                        + "])");
    }

    private static String heads(Value x, int heads) {
        return "torch.transpose(torch.reshape(" + x.name() + ", [torch.size(" + x.name() + ", 0), -1, " + heads + ", "
                + x.dim(-1) / heads + "]), 1, 2)";
    }

    /** {@code [1, c, h, w]} → {@code [1, h·w, c]}. */
    public Value tokens(Value x) {
        return let(
                "torch.transpose(torch.reshape(" + x.name() + ", [torch.size(" + x.name() + ", 0), " + x.channels()
                        + ", -1]), 1, 2)",
                1,
                x.dim(2) * x.dim(3),
                x.channels());
    }

    /** {@code [1, h·w, c]} → {@code [1, c, h, w]}, with height and width of {@code like}. */
    public Value picture(Value tokens, Value like) {
        return let(
                "torch.reshape(torch.transpose(" + tokens.name() + ", 1, 2), [torch.size(" + tokens.name() + ", 0), "
                        + tokens.dim(-1) + ", torch.size(" + like.name() + ", 2), torch.size(" + like.name() + ", 3)])",
                1,
                tokens.dim(-1),
                like.dim(2),
                like.dim(3));
    }

    /** Nearest-neighbour upsampling to twice the size. */
    public Value upsample(Value x) {
        return let(
                "torch.upsample_nearest2d(" + x.name() + ", [torch.mul(torch.size(" + x.name()
                        + ", 2), 2), torch.mul(torch.size(" + x.name() + ", 3), 2)])",
                1,
                x.channels(),
                2 * x.dim(2),
                2 * x.dim(3));
    }

    /** Nearest-neighbour upsampling to the size of {@code like}. */
    public Value upsample(Value x, Value like) {
        return let(
                "torch.upsample_nearest2d(" + x.name() + ", [torch.size(" + like.name() + ", 2), torch.size("
                        + like.name() + ", 3)])",
                1,
                x.channels(),
                like.dim(2),
                like.dim(3));
    }

    /** Zeros below and to the right, one row and one column. */
    public Value padBottomRight(Value x) {
        return let(
                "torch.constant_pad_nd(" + x.name() + ", [0, 1, 0, 1], 0)",
                1,
                x.channels(),
                x.dim(2) + 1,
                x.dim(3) + 1);
    }

    /** Channels of {@code a}, then those of {@code b}. */
    public Value cat(Value a, Value b) {
        return let(
                "torch.cat([" + a.name() + ", " + b.name() + "], 1)",
                1,
                a.channels() + b.channels(),
                a.dim(2),
                a.dim(3));
    }

    /** Rows of the first dimension: {@code index int64 [B]}, {@code x [P, …]} → {@code [B, …]}. */
    public Value rows(Value x, Value index) {
        String rows = "torch.index_select(" + x.name() + ", 0, " + index.name() + ")";
        boolean picture = x.shape().length == 4 && state.kernels == Kernels.PACKED;
        return like(x, picture ? "torch.contiguous(" + rows + ", memory_format=2)" : rows);
    }

    public Value add(Value a, Value b) {
        return like(a, "torch.add(" + a.name() + ", " + b.name() + ")");
    }

    /** Adds {@code perChannel [1, c]} to every pixel of {@code x [1, c, h, w]}. */
    public Value addPerChannel(Value x, Value perChannel) {
        return like(
                x, "torch.add(" + x.name() + ", torch.unsqueeze(torch.unsqueeze(" + perChannel.name() + ", 2), 3))");
    }

    /** Columns {@code from} to {@code to} of the last dimension of {@code x [1, t, c]}. */
    public Value columns(Value x, int from, int to) {
        return let("torch.slice(" + x.name() + ", 2, " + from + ", " + to + ", 1)", 1, x.dim(1), to - from);
    }

    // ---- types

    /** As the weights are: 16-bit floats if they are that. */
    public Value narrowed(Value x) {
        return state.half ? like(x, "torch.to(" + x.name() + ", " + HALF + ")") : x;
    }

    /** As 32-bit floats. */
    public Value widened(Value x) {
        return state.half ? like(x, "torch.to(" + x.name() + ", " + FLOAT + ")") : x;
    }

    // ---- activations

    public Value silu(Value x) {
        return like(x, "torch.silu(" + x.name() + ")");
    }

    public Value relu(Value x) {
        return like(x, "torch.relu(" + x.name() + ")");
    }

    public Value gelu(Value x) {
        return like(x, "torch.gelu(" + x.name() + ")");
    }

    /** {@code x · gelu(gate)}, Shazeer 2020, section 2. */
    public Value gatedGelu(Value x, Value gate) {
        String multiply = state.kernels != Kernels.PACKED ? "torch.mul(" : "torch.mul_(";
        return like(x, multiply + "torch.gelu(" + gate.name() + "), " + x.name() + ")");
    }

    /** {@code x · σ(1.702 x)}, Hendrycks and Gimpel 2016, section 2. */
    public Value quickGelu(Value x) {
        return like(x, "torch.mul(" + x.name() + ", torch.sigmoid(torch.mul(" + x.name() + ", 1.702)))");
    }
}
