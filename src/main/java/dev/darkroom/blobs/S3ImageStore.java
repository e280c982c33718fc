package dev.darkroom.blobs;

import java.net.URI;
import java.time.Duration;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.core.exception.SdkException;
import software.amazon.awssdk.core.sync.RequestBody;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;
import software.amazon.awssdk.services.s3.S3ClientBuilder;
import software.amazon.awssdk.services.s3.model.NoSuchKeyException;
import software.amazon.awssdk.utils.Md5Utils;

/**
 * Pictures as objects of a bucket, on AWS or what speaks its protocol. Credentials are looked for as the AWS SDK does:
 * environment, service account, profile, the machine's role.
 *
 * <p>An object is stored whole or not at all: the store compares the bytes with the MD5 sent along before it shows them.
 */
final class S3ImageStore implements ImageStore, AutoCloseable {
    private static final Duration CONNECT = Duration.ofSeconds(2);
    private static final Duration ATTEMPT = Duration.ofSeconds(10);

    /** With the SDK's tries again. Callers wait for it, and the worker tries again after it. */
    private static final Duration CALL = Duration.ofSeconds(20);

    private final S3Client client;
    private final String bucket;
    private final String prefix;

    /**
     * @param location {@code s3://bucket} or {@code s3://bucket/prefix}
     * @param endpoint address of the store; empty for AWS
     */
    S3ImageStore(URI location, String endpoint, String region) {
        bucket = location.getAuthority();
        String path = location.getPath().replaceAll("^/+|/+$", "");
        prefix = path.isEmpty() ? "" : path + "/";
        S3ClientBuilder builder = S3Client.builder()
                .region(Region.of(region))
                .httpClientBuilder(UrlConnectionHttpClient.builder()
                        .connectionTimeout(CONNECT)
                        .socketTimeout(ATTEMPT))
                .overrideConfiguration(
                        limits -> limits.apiCallAttemptTimeout(ATTEMPT).apiCallTimeout(CALL))
                // Checksums in trailers, the SDK's default, are unknown to many stores but Amazon's.
                .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED);
        if (!endpoint.isEmpty()) {
            builder.endpointOverride(URI.create(endpoint)).forcePathStyle(true);
        }
        client = builder.build();
    }

    @Override
    public String write(byte[] png) {
        String hash = ImageStore.hash(png);
        try {
            client.putObject(
                    put -> put.bucket(bucket)
                            .key(key(hash))
                            .contentType("image/png")
                            .contentMD5(Md5Utils.md5AsBase64(png)),
                    RequestBody.fromBytes(png));
        } catch (SdkException e) {
            throw failed("write", hash, e);
        }
        return hash;
    }

    @Override
    public boolean holds(String hash) {
        try {
            client.headObject(head -> head.bucket(bucket).key(key(hash)));
            return true;
        } catch (NoSuchKeyException e) {
            return false;
        } catch (SdkException e) {
            throw failed("find", hash, e);
        }
    }

    @Override
    public byte[] read(String hash) {
        try {
            return ImageStore.checked(
                    hash,
                    client.getObjectAsBytes(get -> get.bucket(bucket).key(key(hash)))
                            .asByteArray());
        } catch (SdkException e) {
            throw failed("read", hash, e);
        }
    }

    @Override
    public void delete(String hash) {
        try {
            client.deleteObject(delete -> delete.bucket(bucket).key(key(hash)));
        } catch (SdkException e) {
            throw failed("delete", hash, e);
        }
    }

    @Override
    public void close() {
        client.close();
    }

    private String key(String hash) {
        return prefix + ImageStore.path(hash);
    }

    private ImageStoreUnavailable failed(String action, String hash, SdkException reason) {
        return new ImageStoreUnavailable(
                "cannot " + action + " the picture s3://" + bucket + "/" + key(hash) + ": " + reason.getMessage(),
                reason);
    }
}
