import dev.darkroom.client.ApiClient;
import dev.darkroom.client.ApiException;
import dev.darkroom.client.ImagesApi;
import dev.darkroom.client.JobsApi;
import dev.darkroom.client.ModelsApi;
import dev.darkroom.client.model.ImageRequest;
import dev.darkroom.client.model.Job;
import dev.darkroom.client.model.JobParameters;
import dev.darkroom.client.model.Problem;
import java.net.http.HttpClient;
import java.nio.file.Files;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/** The generated Java client against a running Darkroom: {@code RoundTrip SERVER NEWER_SERVER}. */
final class RoundTrip {

    private static ApiClient client;

    public static void main(String[] args) throws Exception {
        String server = args[0];
        client = new ApiClient();
        client.updateBaseUri(server);
        ImagesApi images = new ImagesApi(client);
        JobsApi jobs = new JobsApi(client);

        Job job = images.createImages(
                new ImageRequest().prompt("a red apple").seed(7L).steps(100).previews(1), null, null);
        List<String> names = new ArrayList<>();
        List<String> last = new ArrayList<>();
        JobEvents.follow(HttpClient.newHttpClient(), server, job.getId(), (name, data) -> {
            names.add(name);
            last.add(data);
        });
        check(names.get(0).equals("snapshot") && names.contains("step") && names.contains("image"), names);
        check(names.get(names.size() - 1).equals("succeeded"), names);
        Job done = client.getObjectMapper().readValue(last.get(last.size() - 1), Job.class);
        check(done.getState() == Job.StateEnum.SUCCEEDED && done.getSeeds().equals(List.of(7L)), done);
        byte[] picture = Files.readAllBytes(jobs.getJobImage(job.getId(), 0).toPath());
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(picture);
        check(HexFormat.of().formatHex(hash).equals(done.getImages().get(0).getSha256()), done);

        Job long_ = images.createImages(new ImageRequest().prompt("a car").steps(150).n(8), null, null);
        jobs.cancelJob(long_.getId());
        check(jobs.getJob(long_.getId(), 10_000).getState() == Job.StateEnum.CANCELED, long_);

        try {
            images.createImages(new ImageRequest().prompt("a car").steps(0), null, null);
            throw new AssertionError("drawn in no steps");
        } catch (ApiException e) {
            Problem problem = client.getObjectMapper().readValue(e.getResponseBody(), Problem.class);
            check(e.getCode() == 400 && problem.getCode().equals("invalid_request"), problem);
            check(problem.getErrors().get(0).getField().equals("steps"), problem);
        }

        ApiClient later = new ApiClient();
        later.updateBaseUri(args[1]);
        Job newer = new JobsApi(later).getJob(job.getId(), null);
        check(newer.getState() == Job.StateEnum.UNKNOWN_DEFAULT_OPEN_API, newer);
        check(
                newer.getParameters().getOutputFormat()
                        == JobParameters.OutputFormatEnum.UNKNOWN_DEFAULT_OPEN_API,
                newer);
        check(newer.getSeeds().equals(List.of(7L)), newer);
        check(new ModelsApi(later).listModels().getModels().get(0).getId().equals("stub"), "no model");
        System.out.println("generated client for Java: all as expected");
    }

    private static void check(boolean holds, Object what) {
        if (!holds) {
            throw new AssertionError(what);
        }
    }
}
