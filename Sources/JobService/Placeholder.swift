// JobService
