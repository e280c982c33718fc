package dev.darkroom.library;

import static org.assertj.core.api.Assertions.assertThat;

import dev.darkroom.weights.InvalidCheckpoint;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.util.FileSystemUtils;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Damaged folders, and folders made to do harm: each is refused with an {@link InvalidCheckpoint} or is a checkpoint after
 * all; nothing else is thrown, nothing is written, and memory stays small.
 */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class HostileFoldersTests {
    private static final Path TINY = Path.of("src/test/resources/tiny-sd");
    private static final String UNET = "unet/diffusion_pytorch_model.safetensors";
    private static final List<String> WEIGHTS =
            List.of(UNET, "text_encoder/model.safetensors", "vae/diffusion_pytorch_model.safetensors");
    private static final List<String> TEXTS = List.of(
            "model_index.json",
            "scheduler/scheduler_config.json",
            "text_encoder/config.json",
            "tokenizer/merges.txt",
            "tokenizer/special_tokens_map.json",
            "tokenizer/tokenizer_config.json",
            "tokenizer/vocab.json",
            "unet/config.json",
            "vae/config.json");

    @TempDir
    private Path temporary;

    private Path folder;

    @BeforeEach
    void copyTheTinyCheckpoint() throws IOException {
        folder = temporary.resolve("models/tiny");
        FileSystemUtils.copyRecursively(TINY, folder);
    }

    @AfterEach
    void nothingLiesOutsideTheFolder() throws IOException {
        try (Stream<Path> files = Files.walk(temporary)) {
            assertThat(files.filter(file -> !Files.isDirectory(file))).allMatch(file -> file.startsWith(folder));
        }
    }

    /** Loads the folder; nothing but an {@link InvalidCheckpoint} may be thrown. */
    private Optional<InvalidCheckpoint> refusal() throws IOException {
        Map<Path, Object> before = snapshot();
        try {
            new ModelFolder("tiny", folder).load().close();
            return Optional.empty();
        } catch (InvalidCheckpoint e) {
            assertThat(e.getMessage()).contains("expected", "found").hasSizeLessThan(4000);
            return Optional.of(e);
        } finally {
            assertThat(snapshot()).as("nothing is written").isEqualTo(before);
        }
    }

    private boolean loads() throws IOException {
        return refusal().isEmpty();
    }

    private Map<Path, Object> snapshot() throws IOException {
        Map<Path, Object> times = new TreeMap<>();
        try (Stream<Path> files = Files.walk(temporary)) {
            for (Path file : files.toList()) {
                times.put(file, Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS));
            }
        }
        return times;
    }

    // ---- damage

    @Test
    void refusesTruncatedFilesWhereverTheyAreCut() throws IOException {
        Random random = new Random(1);
        for (int i = 0; i < 200; i++) {
            List<String> kind = i % 2 == 0 ? WEIGHTS : TEXTS;
            String file = kind.get(i / 2 % kind.size());
            byte[] whole = Files.readAllBytes(TINY.resolve(file));
            byte[] cut = Arrays.copyOf(whole, random.nextInt(whole.length));
            Files.write(folder.resolve(file), cut);
            boolean loads = loads();
            Files.write(folder.resolve(file), whole);

            boolean whitespaceOnly = text(cut).strip().equals(text(whole).strip());
            // A list of merges has no end of its own: one cut between two lines is a shorter list.
            boolean mayLoad = file.endsWith(".txt") || whitespaceOnly;
            assertThat(loads && !mayLoad)
                    .as("%s cut to %d bytes loads", file, cut.length)
                    .isFalse();
        }
    }

    private static String text(byte[] bytes) {
        return new String(bytes, StandardCharsets.ISO_8859_1);
    }

    @Test
    void refusesOrReadsFilesWithABitFlippedInTheHeader() throws IOException {
        Random random = new Random(2);
        int refused = 0;
        for (int i = 0; i < 200; i++) {
            String file = WEIGHTS.get(i % WEIGHTS.size());
            byte[] bytes = Files.readAllBytes(TINY.resolve(file));
            int header =
                    (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
            int position = i < 24 ? i / 3 : random.nextInt(8 + header);
            flip(file, position, random.nextInt(8));
            refused += loads() ? 0 : 1;
            Files.write(folder.resolve(file), bytes);
        }
        assertThat(refused).isGreaterThan(180);
    }

    @Test
    void refusesOrReadsTextsWithABitFlipped() throws IOException {
        Random random = new Random(3);
        int refused = 0;
        for (int i = 0; i < 45; i++) {
            String file = TEXTS.get(i % TEXTS.size());
            byte[] bytes = Files.readAllBytes(TINY.resolve(file));
            flip(file, random.nextInt(bytes.length), random.nextInt(8));
            refused += loads() ? 0 : 1;
            Files.write(folder.resolve(file), bytes);
        }
        assertThat(refused).isGreaterThan(20);
    }

    private void flip(String file, int position, int bit) throws IOException {
        byte[] bytes = Files.readAllBytes(folder.resolve(file));
        bytes[position] ^= (byte) (1 << bit);
        Files.write(folder.resolve(file), bytes);
    }

    // ---- harm

    /** Rewrites the U-Net's header; the data stay. */
    private void changeHeader(Consumer<ObjectNode> change) throws IOException {
        byte[] bytes = Files.readAllBytes(TINY.resolve(UNET));
        int length = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
        ObjectNode header = (ObjectNode) JsonMapper.shared().readTree(bytes, 8, length);
        change.accept(header);
        byte[] json = JsonMapper.shared().writeValueAsBytes(header);
        ByteBuffer file =
                ByteBuffer.allocate(8 + json.length + bytes.length - 8 - length).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(json.length).put(json).put(bytes, 8 + length, bytes.length - 8 - length);
        Files.write(folder.resolve(UNET), file.array());
    }

    private static void offsets(ObjectNode header, String tensor, long begin, long end) {
        ((ObjectNode) header.get(tensor)).putArray("data_offsets").add(begin).add(end);
    }

    @Test
    void refusesTensorsThatShareTheirBytes() throws IOException {
        changeHeader(header -> offsets(header, "conv_norm_out.bias", 0, 128));
        assertThat(refusal()).get().asString().contains("overlap");
    }

    @Test
    void refusesBytesThatBelongToNoTensor() throws IOException {
        changeHeader(header -> header.remove("conv_norm_out.bias"));
        assertThat(refusal()).get().asString().contains("a gap up to byte");
    }

    @Test
    void readsTensorsInAnyOrder() throws IOException {
        changeHeader(header -> {
            ObjectNode copy = header.deepCopy();
            List<String> names = new ArrayList<>(copy.propertyNames());
            Collections.reverse(names);
            header.removeAll();
            names.forEach(name -> header.set(name, copy.get(name)));
        });
        LoadProcess.draw(new ModelFolder("tiny", folder));
    }

    @Test
    void refusesShapesWhoseProductOverflows() throws IOException {
        changeHeader(header -> ((ObjectNode) header.get("conv_in.bias"))
                .putArray("shape")
                .add(1L << 62)
                .add(1L << 62));
        assertThat(refusal()).get().asString().contains("a shape whose size fits 63 bits");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../../outside.safetensors",
                "../text_encoder/model.safetensors",
                "/etc/passwd",
                "/tmp/outside.safetensors",
                "..\\\\..\\\\outside.safetensors",
                "a/b.safetensors",
                "..",
                ""
            })
    void refusesAnIndexThatPointsOutOfItsFolder(String name) throws IOException {
        Files.delete(folder.resolve(UNET));
        Files.writeString(folder.resolve(UNET + ".index.json"), "{\"weight_map\":{\"conv_in.bias\":\"" + name + "\"}}");
        assertThat(refusal()).get().asString().contains("a file name in the index's folder");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {UNET, "unet/config.json", "tokenizer/vocab.json", "tokenizer/merges.txt", "model_index.json"})
    void doesNotReadDevicesAndLoopsThroughLinks(String file) throws IOException {
        for (String target : List.of(
                "/dev/zero", "/dev/null", ".", "/nowhere", folder.resolve(file).toString())) {
            Files.delete(folder.resolve(file));
            Files.createSymbolicLink(folder.resolve(file), Path.of(target));
            assertThat(refusal()).get().asString().contains("no such file");
        }
    }

    /** As in the cache of huggingface_hub, which keeps the files elsewhere. */
    @Test
    void readsFilesThroughLinks() throws IOException {
        Files.move(folder.resolve(UNET), folder.resolve("blob"));
        Files.createSymbolicLink(folder.resolve(UNET), Path.of("../blob"));
        assertThat(refusal()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            text_encoder/config.json        | num_hidden_layers       | 2147483647
            text_encoder/config.json        | num_hidden_layers       | 99999999999
            text_encoder/config.json        | hidden_size             | 2147483647
            text_encoder/config.json        | vocab_size              | 1e999999999
            text_encoder/config.json        | layer_norm_eps          | 1e999999999
            text_encoder/config.json        | max_position_embeddings | 2147483647
            text_encoder/config.json        | num_attention_heads     | 2147483647
            text_encoder/config.json        | num_attention_heads     | 5
            unet/config.json                | layers_per_block        | 2147483647
            unet/config.json                | layers_per_block        | -1
            unet/config.json                | attention_head_dim      | 0
            unet/config.json                | attention_head_dim      | 7
            unet/config.json                | norm_num_groups         | 2147483647
            unet/config.json                | norm_num_groups         | 7
            unet/config.json                | sample_size             | 2147483647
            unet/config.json                | sample_size             | 3
            unet/config.json                | block_out_channels      | [2147483647, 2147483647]
            unet/config.json                | block_out_channels      | [99999999999, 1]
            unet/config.json                | transformer_layers_per_block | 2147483647
            vae/config.json                 | layers_per_block        | 2147483647
            vae/config.json                 | latent_channels         | 2147483647
            vae/config.json                 | scaling_factor          | 0
            vae/config.json                 | scaling_factor          | "NaN"
            scheduler/scheduler_config.json | num_train_timesteps     | 2147483647
            scheduler/scheduler_config.json | num_train_timesteps     | 99999999999
            scheduler/scheduler_config.json | beta_end                | 1e999999999
            tokenizer/tokenizer_config.json | model_max_length        | 2147483647
            tokenizer/vocab.json            | a                       | 2147483647
            tokenizer/vocab.json            | a                       | 99999999999
            tokenizer/vocab.json            | a                       | 1
            tokenizer/vocab.json            | a                       | "1"
            """)
    void refusesValuesThatCannotBeMeant(String file, String key, String value) throws IOException {
        String text = Files.readString(folder.resolve(file));
        ObjectNode json = (ObjectNode) JsonMapper.shared().readTree(text);
        json.remove(key);
        String rest = json.toString().substring(1);
        Files.writeString(folder.resolve(file), "{\"" + key + "\":" + value + "," + rest);
        assertThat(refusal()).isPresent();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            steps          | 0
            steps          | 2147483647
            steps          | 99999999999
            steps          | "many"
            guidance_scale | -1
            guidance_scale | 1e999999999
            guidance_scale | "much"
            sampler        | 7
            words          | "a red apple"
            words          | ["a", 7]
            latent_rgb     | 7
            latent_rgb     | [[1,0,0],[0,1,0],[0,0,1],[0,0,0]]
            latent_rgb     | [[1,0,0],[0,1,0],[0,0,1],[0,0,0],[1,1]]
            latent_rgb     | [[1,0,0],[0,1,0],[0,0,1],[0,0,0],[1,1,1e999]]
            """)
    void refusesDefaultsThatRequestsCouldNotHave(String key, String value) throws IOException {
        Files.writeString(folder.resolve("darkroom.json"), "{\"" + key + "\":" + value + "}");
        assertThat(refusal()).isPresent();
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "#version: 0.2\na b c\n",
                "#version: 0.2\n\ud83d\ude00 \ud83d\ude00\n",
                "a b\n",
                "",
                "\u0000",
                "#version: 0.2\na\u0000 b\n",
                "#version: 0.2\n<|startoftext|> <|endoftext|>\n"
            })
    void refusesAListOfMergesThatIsNone(String merges) throws IOException {
        Files.writeString(folder.resolve("tokenizer/merges.txt"), merges);
        assertThat(refusal()).isPresent();
    }

    // ---- memory

    /** What would take gigabytes if it were read or believed; each is refused by a process with a heap of 96 MB. */
    @Test
    void keepsItsMemorySmall() throws Exception {
        Path models = temporary.resolve("models");
        List<String> hostile = new ArrayList<>();
        hostile.add(hostile("header-of-2-gb", UNET, file -> sparse(file, 2L << 30, 3L << 30)));
        hostile.add(hostile("header-of-2-gb-that-is-not-there", UNET, file -> sparse(file, 2L << 30, 1000)));
        hostile.add(hostile("negative-header", UNET, file -> sparse(file, -1, 1000)));
        hostile.add(hostile("largest-header", UNET, file -> sparse(file, 100_000_000, 1L << 30)));
        hostile.add(hostile("million-tensors", UNET, HostileFoldersTests::millionTensors));
        hostile.add(hostile(
                "long-metadata", UNET, file -> header(file, "{\"__metadata__\":{\"a\":\"", "x".repeat(1 << 20), 90)));
        hostile.add(hostile("deep-header", UNET, file -> header(file, "{\"a\":", "[".repeat(1 << 20), 90)));
        hostile.add(hostile(
                "long-shape",
                UNET,
                file -> header(file, "{\"a\":{\"dtype\":\"F32\",\"shape\":[", "1,".repeat(1 << 19), 90)));
        hostile.add(hostile(
                "long-number", "unet/config.json", file -> repeated(file, "{\"a\":", "9".repeat(1 << 20), 10)));
        hostile.add(hostile(
                "deep-config", "unet/config.json", file -> repeated(file, "{\"a\":", "[".repeat(1 << 20), 10)));
        hostile.add(hostile(
                "deep-objects", "model_index.json", file -> repeated(file, "", "{\"a\":".repeat(1 << 18), 10)));
        hostile.add(hostile("billion-entries", "tokenizer/vocab.json", HostileFoldersTests::billionEntries));
        hostile.add(hostile(
                "long-vocab", "tokenizer/vocab.json", file -> repeated(file, "{", "\"\":0,".repeat(1 << 18), 40)));
        hostile.add(hostile("many-words", "tokenizer/vocab.json", HostileFoldersTests::manyWords));
        hostile.add(hostile("long-merges", "tokenizer/merges.txt", file -> sparseText(file, 10L << 30)));
        hostile.add(hostile(
                "many-merges",
                "tokenizer/merges.txt",
                file -> repeated(file, "#version: 0.2\n", "a b\n".repeat(1 << 18), 100)));
        hostile.add(hostile(
                "many-blocks",
                "unet/config.json",
                file -> repeated(file, "{\"block_out_channels\":[", "1,".repeat(1 << 19), 6)));

        Process process = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx96m",
                        "-cp",
                        System.getProperty("java.class.path"),
                        LoadProcess.class.getName(),
                        models.toString())
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        List<String> lines = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .filter(line -> line.startsWith("> "))
                .toList();
        assertThat(process.waitFor()).isZero();
        List<String> expected = new ArrayList<>(List.of("> tiny draws"));
        hostile.forEach(name -> expected.add("> " + name + " is refused"));
        assertThat(lines).containsExactlyInAnyOrderElementsOf(expected);
        for (String name : hostile) {
            FileSystemUtils.deleteRecursively(models.resolve(name));
        }
    }

    private interface Writer {
        void write(Path file) throws IOException;
    }

    private String hostile(String name, String file, Writer content) throws IOException {
        Path copy = temporary.resolve("models").resolve(name);
        FileSystemUtils.copyRecursively(TINY, copy);
        content.write(copy.resolve(file));
        return name;
    }

    private static void sparse(Path file, long headerLength, long size) throws IOException {
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            out.setLength(size);
            out.writeLong(Long.reverseBytes(headerLength));
        }
    }

    private static void sparseText(Path file, long size) throws IOException {
        Files.writeString(file, "#version: 0.2\n");
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            out.setLength(size);
        }
    }

    /** A file of that many megabytes at most, whose end is missing. */
    private static void repeated(Path file, String start, String part, int times) throws IOException {
        try (BufferedWriter out = Files.newBufferedWriter(file)) {
            out.write(start);
            for (int i = 0; i < times; i++) {
                out.write(part);
            }
        }
    }

    private static void header(Path file, String start, String part, int times) throws IOException {
        repeated(file, "01234567" + start, part, times);
        sparse(file, Files.size(file) - 8, Files.size(file));
    }

    private static void millionTensors(Path file) throws IOException {
        try (BufferedWriter out = Files.newBufferedWriter(file)) {
            out.write("01234567{");
            for (int i = 0; i < 1_000_000; i++) {
                out.write((i == 0 ? "" : ",") + "\"t" + i
                        + "\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}");
            }
            out.write("}");
        }
        sparse(file, Files.size(file) - 8, Files.size(file));
    }

    private static void manyWords(Path file) throws IOException {
        try (BufferedWriter out = Files.newBufferedWriter(file)) {
            for (int i = 0; i < 1_000_000; i++) {
                out.write((i == 0 ? "{" : ",") + "\"t" + i + "\":" + i);
            }
            out.write("}");
        }
    }

    private static void billionEntries(Path file) throws IOException {
        try (RandomAccessFile out = new RandomAccessFile(file.toFile(), "rw")) {
            out.setLength(10L << 30);
        }
    }
}
