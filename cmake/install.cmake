# The installed package: find_package(gradus) and pkg-config gradus.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS gradus EXPORT gradusTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(GRADUS_COMMAND)
  install(TARGETS gradus_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY gradus DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(EXPORT gradusTargets NAMESPACE gradus:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/gradus)

configure_package_config_file(cmake/gradusConfig.cmake.in gradusConfig.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/gradus)
write_basic_package_version_file(gradusConfigVersion.cmake COMPATIBILITY SameMinorVersion)
# The installed tree may be moved: gradus.pc finds its prefix from where it lies.
file(RELATIVE_PATH GRADUS_PC_TO_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(cmake/gradus.pc.in gradus.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/gradusConfig.cmake
              ${CMAKE_CURRENT_BINARY_DIR}/gradusConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/gradus)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/gradus.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
# For `source` in gdb: docs/debugging.md.
install(FILES tools/gdb/gradus.py DESTINATION ${CMAKE_INSTALL_DATADIR}/gradus/gdb)
