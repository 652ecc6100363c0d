import CPlatform

/// Keeps a program that runs for months small.
public enum ProcessMemory {
    /// Lets freed memory go back to the system. For the beginning of `main`: later, threads have
    /// arenas already.
    ///
    /// Left alone, glibc keeps an arena for each thread and, once a buffer of 1 MiB was freed,
    /// takes all such buffers from these: the daemon stayed at 60 MiB where it needs 35.
    public static func limitAllocator() { quipu_limit_malloc() }

    /// Drops the code that only the start needed. What runs from now on is mapped again, without
    /// the disk, as it is called: a fifth of what starting touches.
    public static func dropStartupCode() { quipu_drop_code() }
}
