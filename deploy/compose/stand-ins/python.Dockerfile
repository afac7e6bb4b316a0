# A stand-in for python:3.11-slim, from a minimal Debian system (rootfs.tar) in the build's context.
FROM scratch
ADD rootfs.tar /
ENV LANG=C.UTF-8
CMD ["python3"]
